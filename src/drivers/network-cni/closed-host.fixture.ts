/**
 * Runs as a host of its own (a linux network namespace whose FORWARD policy is DROP) with a neighbour beyond it, and
 * prints what a container and that neighbour see of each other. Arguments: a directory for state.
 */
import { execFile, spawn } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { contractId, contractNetwork } from "#core/networks/network-driver.contract.ts";
import { PinnedLinuxNamespaces } from "#drivers/linux-namespaces/pinned-linux-namespaces.ts";
import { testCall } from "#test/support/call.ts";
import { eventually } from "#test/support/eventually.ts";
import { CniNetworkDriver } from "./cni-network-driver.ts";

const execute = promisify(execFile);
const call = testCall();
const directory = process.argv[2] ?? "";

const namespaces = new PinnedLinuxNamespaces(join(directory, "netns"));
const driver = new CniNetworkDriver({
  stateDirectory: directory,
  binDirectories: ["/usr/lib/cni"],
  timeoutMs: 120_000,
});
await driver.recover(call, [], []);

const neighbour = await namespaces.createNetwork(call, "neighbour");
await run("ip", "link", "add", "toward", "type", "veth", "peer", "name", "eth0");
await run("ip", "link", "set", "eth0", "netns", neighbour);
await run("ip", "addr", "add", "192.0.2.1/30", "dev", "toward");
await run("ip", "link", "set", "toward", "up");
await inside(neighbour, "ip", "addr", "add", "192.0.2.2/30", "dev", "eth0");
await inside(neighbour, "ip", "link", "set", "eth0", "up");

const open = await attach("open", {});
const closed = await attach("closed", { internal: true });
const servers = [serve(neighbour, 8000), serve(open.path, 80), serve(open.path, 81)];
const listening = async (path: string, port: number) => (await inside(path, "ss", "-Hltn", `sport = :${port}`)) !== "";
for (const [path, port] of [[neighbour, 8000] as const, [open.path, 80] as const, [open.path, 81] as const])
  await eventually(`${port} is served`, async () => await listening(path, port));
const port = String(open.attachment.ports[0]?.hostPort ?? 0);
const found = {
  containerReachesNeighbourAs: await ask(open.path, "192.0.2.2", "8000"),
  neighbourReachesPublishedPort: (await ask(neighbour, "192.0.2.1", port)) === "192.0.2.2",
  neighbourReachesContainerItself: await ask(neighbour, open.attachment.ipv4?.address ?? "", "81", open.gateway),
  internalReachesNeighbour: await ask(closed.path, "192.0.2.2", "8000", closed.gateway),
};
for (const server of servers) server.kill("SIGKILL");
for (const it of [open, closed]) await driver.detach(call, it);
await driver[Symbol.asyncDispose]();
const left = (await run("iptables-save")).split("\n").filter((line) => line.includes("FERRY"));
for (const name of await namespaces.listNetwork()) await namespaces.deleteNetwork(call, name);
await namespaces[Symbol.asyncDispose]();
process.stdout.write(JSON.stringify({ ...found, left }));
process.exit(0);

async function attach(name: string, change: { internal?: boolean }) {
  const network = await driver.plan(call, contractNetwork(name, change), []);
  const path = await namespaces.createNetwork(call, name);
  const containerId = contractId(name);
  const ports = [{ containerPort: 80, protocol: "tcp", hostIp: "", hostPort: 0 }] as const;
  const attachment = await driver.attach(call, {
    network,
    containerId,
    containerName: name,
    linuxNamespacePath: path,
    interfaceName: "eth0",
    defaultRoute: change.internal !== true,
    aliases: [],
    ports: change.internal === true ? [] : ports,
  });
  return { network, containerId, linuxNamespacePath: path, path, attachment, gateway: attachment.ipv4?.gateway ?? "" };
}

/** Answers each connection with the address it came from. */
function serve(path: string, port: number) {
  const argv = [`--net=${path}`, "socat", `TCP-LISTEN:${port},fork,reuseaddr`, "SYSTEM:echo $SOCAT_PEERADDR"];
  return spawn("nsenter", argv, { stdio: "ignore" });
}

/** What `host:port` answers, or "nothing" when that takes too long; `via` adds a route there first, as somebody who wants in would. */
async function ask(path: string, host: string, port: string, via?: string): Promise<string> {
  const route = path === neighbour ? "192.0.2.1" : via;
  if (via !== undefined) await inside(path, "ip", "route", "replace", host, "via", route ?? "");
  try {
    return (await inside(path, "socat", "-T20", "-", `TCP:${host}:${port},connect-timeout=5`)).trim();
  } catch {
    return "nothing";
  }
}

async function inside(path: string, ...argv: string[]): Promise<string> {
  return await run("nsenter", `--net=${path}`, ...argv);
}

async function run(file: string, ...args: string[]): Promise<string> {
  return (await execute(file, args)).stdout;
}
