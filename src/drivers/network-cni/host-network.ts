import { spawn } from "node:child_process";
import { readdir, readFile, statfs, writeFile } from "node:fs/promises";
import { networkInterfaces } from "node:os";
import { text } from "node:stream/consumers";
import { EngineError, errnoOf } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import { findIpAddress, type IpBlock, parseIpBlock } from "#core/networks/ip-address.ts";
import type { Host } from "./plan-network.ts";

/** NSFS_MAGIC, linux/magic.h */
const nsfsMagic = 0x6e73_6673;

/** Addresses, routes and interfaces of the host, so that a new network takes none of them. */
export async function readHost(): Promise<Host> {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const own = addresses.flatMap(({ cidr }) => (cidr === null ? [] : [parseIpBlock(withoutZone(cidr))]));
  return { blocks: [...own, ...(await readRoutes())], interfaces: await readdir("/sys/class/net") };
}

/** Whether a linux namespace is pinned at `path`; a mere file is what a crash or a reboot leaves. */
export async function isLinuxNamespace(path: string): Promise<boolean> {
  try {
    return (await statfs(path)).type === nsfsMagic;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return false;
    throw error;
  }
}

/** Lets the host's 127.0.0.1 reach containers of a bridge through published ports. */
export async function routeLoopback(bridge: string): Promise<void> {
  await writeFile(`/proc/sys/net/ipv4/conf/${bridge}/route_localnet`, "1");
}

/**
 * Makes a bridge that does not probe its IPv6 addresses for duplicates: nobody answers for a second or two otherwise.
 * One that is there is left as it is.
 */
export async function ensureQuickBridge(call: Call, name: string): Promise<void> {
  if ((await readdir("/sys/class/net")).includes(name)) return;
  const { code, stderr } = await runIp(call, ["link", "add", name, "type", "bridge"]);
  if (code !== 0 && !stderr.includes("File exists")) {
    throw new EngineError("internal", `bridge ${name}: ip link add: exit code ${code}: ${stderr.trim()}`);
  }
  await writeFile(`/proc/sys/net/ipv6/conf/${name}/accept_dad`, "0");
}

/** Idempotent. */
export async function deleteInterface(call: Call, name: string): Promise<void> {
  if (!(await readdir("/sys/class/net")).includes(name)) return;
  const { code, stderr } = await runIp(call, ["link", "delete", name]);
  if (code === 0 || !(await readdir("/sys/class/net")).includes(name)) return;
  throw new EngineError("internal", `interface ${name}: ip link delete: exit code ${code}: ${stderr.trim()}`);
}

async function runIp(call: Call, args: readonly string[]): Promise<{ code: number | null; stderr: string }> {
  call.signal.throwIfAborted();
  const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  const child = spawn("ip", args, { env: { PATH: path }, stdio: ["ignore", "ignore", "pipe"] });
  const ended = Promise.withResolvers<number | null>();
  child.once("error", ended.reject);
  child.once("close", ended.resolve);
  const [code, stderr] = await Promise.all([ended.promise, text(child.stderr)]);
  return { code, stderr };
}

/** /proc/net/route: destination and mask as little-endian hex. The default route claims nothing. */
async function readRoutes(): Promise<IpBlock[]> {
  const lines = (await readFile("/proc/thread-self/net/route", "utf8")).split("\n").slice(1);
  return lines.flatMap((line) => {
    const [, destination = "", , , , , , mask = ""] = line.split(/\s+/);
    if (!/^[0-9A-F]{8}$/.test(destination) || !/^[0-9A-F]{8}$/.test(mask) || mask === "00000000") return [];
    const prefixLength = BigInt(`0x${mask}`).toString(2).replaceAll("0", "").length;
    const dotted = (destination.match(/../g) ?? []).reverse().map((byte) => Number.parseInt(byte, 16));
    return [parseIpBlock(`${dotted.join(".")}/${prefixLength}`)];
  });
}

function withoutZone(cidr: string): string {
  const [address = "", prefix = ""] = cidr.split("/");
  const bare = address.split("%")[0] ?? "";
  return findIpAddress(bare) === undefined ? "::1/128" : `${bare}/${prefix}`;
}
