/**
 * Ferry beside Debian's containerd and Docker Engine, in one run on one machine.
 *
 *   npm run bench                     everything
 *   npm run bench -- pull shell       some scenarios
 *   npm run bench -- --format json    for scripts
 *   npm run bench -- --peers ferry,docker   some engines
 *   npm run bench -- pods --peers ferry,ferry-runc,containerd,containerd-other --containerd-bin DIRECTORY
 *       pods over CRI, also with runc, and beside a further containerd; --idle-seconds 60 how long they are left alone
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
import { openTestImages, type TestImages } from "#test/support/test-images.ts";
import { assessCluster } from "./alone/assess.ts";
import { convertLogs } from "./alone/convert-logs.ts";
import { containerdPeer } from "./peers/containerd.ts";
import { dockerPeer } from "./peers/docker.ts";
import { ferryPeer } from "./peers/ferry.ts";
import type { Peer } from "./peers/peer.ts";
import { containerdPods } from "./pods/containerd-pods.ts";
import { ferryPods } from "./pods/ferry-pods.ts";
import { measurePods } from "./pods/measure-pods.ts";
import { pushPauseImage } from "./pods/pause-image.ts";
import type { PodPeer, PodPeerOptions } from "./pods/pod-peer.ts";
import { command, unmountBelow } from "#test/support/processes.ts";
import { carriers, peer } from "./images/carriers.ts";
import { measureImages } from "./images/measure-images.ts";
import { printReport } from "./report.ts";
import { createStart } from "./scenarios/create-start.ts";
import { fifty } from "./scenarios/fifty.ts";
import { list } from "./scenarios/list.ts";
import { pull } from "./scenarios/pull.ts";
import type { Row, Scenario } from "./scenarios/scenario.ts";
import { shell } from "./scenarios/shell.ts";

const scenarios = [pull, createStart, shell, fifty, list];
const openers = { ferry: ferryPeer, containerd: containerdPeer, docker: dockerPeer };
const { values: flags, positionals: words } = parseArgs({
  allowPositionals: true,
  options: {
    format: { type: "string", default: "table" },
    peers: { type: "string", default: Object.keys(openers).join() },
    "containerd-bin": { type: "string", default: "/usr/bin" },
    "idle-seconds": { type: "string", default: "60" },
  },
});
const podOpeners: Record<string, (options: PodPeerOptions) => Promise<PodPeer>> = {
  ferry: (options) => ferryPods(options, "crun"),
  "ferry-runc": (options) => ferryPods(options, "runc"),
  containerd: (options) => containerdPods(options),
  "containerd-other": (options) => containerdPods(options, flags["containerd-bin"]),
};
/** What needs neither root nor engines. */
const alone: Readonly<Record<string, () => Promise<void>>> = { logs: convertLogs, assess: assessCluster };
const names = [...scenarios.map(({ name }) => name), "pods", "migrate-images", ...Object.keys(alone)];
const unknown = words.filter((word) => !names.includes(word));
if (unknown.length > 0) {
  console.error(`no scenario ${unknown.join(", ")}; there are: ${names.join(", ")}`);
  process.exit(2);
}
for (const [name, run] of Object.entries(alone)) if (words.length === 0 || words.includes(name)) await run();
if (words.length > 0 && words.every((word) => Object.hasOwn(alone, word))) process.exit(0);
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
  const wanted = scenarios.filter(({ name }) => words.length === 0 || words.includes(name));
  if (wanted.length > 0) await benchEngines(directory, images, wanted);
  if (words.length === 0 || words.includes("migrate-images")) {
    await orReport("migrate-images", async () => {
      const rows = await measureImages(progress);
      progress("");
      printReport(
        [{ name: "ferry", version: "" }, ...carriers.filter(({ name }) => name === peer)],
        rows,
        flags.format === "json",
      );
    });
  }
  if (words.length === 0 || words.includes("pods")) await benchPods(join(directory, "pods"), images);
}

async function benchEngines(directory: string, images: TestImages, wanted: readonly Scenario[]): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const { layout, tag } = await debianImage();
  const bigImage = await images.push(`oci:${layout}:${tag}`, "debian:bookworm");
  const peers: Peer[] = [];
  for (const [name, open] of Object.entries(openers).filter(([name]) => flags.peers.split(",").includes(name)))
    peers.push(stack.use(await open(await ownDirectory(directory, name), openLog(name))));
  for (const { commands } of peers) await command(commands.pull(images.small));
  const rows: Row[] = [];
  for (const scenario of wanted) {
    await orReport(scenario.name, async () => {
      rows.push(...(await scenario.run({ peers, image: images.small, bigImage, progress })));
    });
  }
  progress("");
  printReport(peers, rows, flags.format === "json");
}

/** With daemons of their own: those above have worked already, and containerd's has no CRI. */
async function benchPods(directory: string, images: TestImages): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const pauseImage = await pushPauseImage(images, directory);
  const peers: PodPeer[] = [];
  for (const [name, open] of Object.entries(podOpeners).filter(([name]) => flags.peers.split(",").includes(name))) {
    const log = openLog(`pods-${name}`);
    const options = { name, directory: await ownDirectory(directory, name), index: peers.length, pauseImage, log };
    peers.push(stack.use(await open(options)));
  }
  const image = images.small;
  for (const { client } of peers) await client.images.pullImage({ image: { image } });
  await orReport("pods", async () => {
    const idleSeconds = Number(flags["idle-seconds"]);
    const rows = await measurePods({ peers, image, directory, idleSeconds, progress });
    progress("");
    printReport(peers, rows, flags.format === "json");
  });
}

/** The others' figures are worth having when one scenario fails. */
async function orReport(name: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    console.error(`${name}: ${messageOf(error)}`);
    process.exitCode = 1;
  }
}

async function ownDirectory(directory: string, name: string): Promise<string> {
  progress(`starting ${name}`);
  await mkdir(join(directory, name), { recursive: true });
  return join(directory, name);
}

function openLog(name: string): number {
  return openSync(`/var/tmp/ferry-bench-${name}.log`, "w");
}

function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
  else if (text !== "") process.stderr.write(`${text}\n`);
}
