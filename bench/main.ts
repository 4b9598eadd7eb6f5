/**
 * Ferry beside Debian's containerd and Docker Engine, in one run on one machine.
 *
 *   npm run bench                     everything
 *   npm run bench -- pull shell       some scenarios
 *   npm run bench -- --format json    for scripts
 *   npm run bench -- --peers ferry,docker   some engines
 *
 * Needs root. Every engine runs with directories of its own below /var/tmp and is stopped at the end.
 */
import { openSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { busyboxPackages, installPackages, runtimePackages, testPackages } from "../scripts/house/debian-packages.ts";
import { prepareMachine } from "../scripts/house/prepare-machine.ts";
import { messageOf } from "#base/errors.ts";
import { debianImage } from "#test/support/debian-image.ts";
import { openTestImages } from "#test/support/test-images.ts";
import { containerdPeer } from "./peers/containerd.ts";
import { dockerPeer } from "./peers/docker.ts";
import { ferryPeer } from "./peers/ferry.ts";
import type { Peer } from "./peers/peer.ts";
import { command, unmountBelow } from "#test/support/processes.ts";
import { printReport } from "./report.ts";
import { createStart } from "./scenarios/create-start.ts";
import { fifty } from "./scenarios/fifty.ts";
import { list } from "./scenarios/list.ts";
import { pull } from "./scenarios/pull.ts";
import type { Row } from "./scenarios/scenario.ts";
import { shell } from "./scenarios/shell.ts";

const scenarios = [pull, createStart, shell, fifty, list];
const openers = { ferry: ferryPeer, containerd: containerdPeer, docker: dockerPeer };
const { values: flags, positionals: words } = parseArgs({
  allowPositionals: true,
  options: {
    format: { type: "string", default: "table" },
    peers: { type: "string", default: Object.keys(openers).join() },
  },
});
const unknown = words.filter((word) => !scenarios.some(({ name }) => name === word));
if (unknown.length > 0) {
  console.error(`no scenario ${unknown.join(", ")}; there are: ${scenarios.map(({ name }) => name).join(", ")}`);
  process.exit(2);
}
if (process.getuid?.() !== 0) {
  console.error("the benchmark starts container engines and needs root: run it with sudo");
  process.exit(69);
}
installPackages([...runtimePackages, ...busyboxPackages, ...testPackages]);
prepareMachine();
await main();

async function main(): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp("/var/tmp/ferry-bench-");
  stack.defer(async () => {
    await unmountBelow(directory);
    await rm(directory, { recursive: true, force: true });
  });
  const images = stack.use(await openTestImages());
  const { layout, tag } = await debianImage();
  const bigImage = await images.push(`oci:${layout}:${tag}`, "debian:bookworm");
  const peers: Peer[] = [];
  for (const [name, open] of Object.entries(openers).filter(([name]) => flags.peers.split(",").includes(name))) {
    await mkdir(join(directory, name), { recursive: true });
    const log = openSync(`/var/tmp/ferry-bench-${name}.log`, "w");
    progress(`starting ${name}`);
    peers.push(stack.use(await open(join(directory, name), log)));
  }
  for (const { commands } of peers) await command(commands.pull(images.small));
  const rows: Row[] = [];
  for (const scenario of scenarios.filter(({ name }) => words.length === 0 || words.includes(name))) {
    try {
      rows.push(...(await scenario.run({ peers, image: images.small, bigImage, progress })));
    } catch (error) {
      // The others' figures are worth having all the same.
      console.error(`${scenario.name}: ${messageOf(error)}`);
      process.exitCode = 1;
    }
  }
  progress("");
  printReport(peers, rows, flags.format === "json");
}

function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
  else if (text !== "") process.stderr.write(`${text}\n`);
}
