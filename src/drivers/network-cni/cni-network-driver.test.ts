import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { globSync } from "node:fs";
import { createConnection } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { TestContext } from "node:test";
import { promisify } from "node:util";
import {
  contractNetwork,
  networkDriverContract,
  type NetworkDriverFixture,
} from "#core/networks/network-driver.contract.ts";
import type { Network } from "#core/networks/network.ts";
import { PinnedLinuxNamespaces } from "#drivers/linux-namespaces/pinned-linux-namespaces.ts";
import { testCall } from "#test/support/call.ts";
import { eventually } from "#test/support/eventually.ts";
import { requireBinary, requireRoot } from "#test/support/require.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { CniNetworkDriver } from "./cni-network-driver.ts";

const execute = promisify(execFile);
const call = testCall();

networkDriverContract("cni", makeFixture);

async function makeFixture(t: TestContext): Promise<NetworkDriverFixture | undefined> {
  if (!requireRoot(t) || !requireBinary(t, "bridge", "host-local", "iptables", "ip", "socat", "nsenter"))
    return undefined;
  await using undo = new AsyncDisposableStack();
  const directory = undo.use(await temporaryDirectory("network"));
  const namespaces = new PinnedLinuxNamespaces(join(directory.path, "netns"));
  undo.defer(async () => void (await execute("sh", ["-c", `umount -l ${directory.path}/netns 2>/dev/null || true`])));
  const open = () =>
    new CniNetworkDriver({
      stateDirectory: directory.path,
      binDirectories: ["/opt/cni/bin", "/usr/lib/cni"],
      timeoutMs: 120_000,
    });
  const servers: ChildProcess[] = [];
  const records: Network[] = [];
  const driver = open();
  await driver.recover(call, [], []);
  let made = 0;
  const stack = undo.move();
  return {
    driver,
    reopen: open,
    network: (change) => {
      const record = contractNetwork(`${directory.path.slice(-6)}-${made++}`, change);
      records.push(record);
      return record;
    },
    linuxNamespace: async () => {
      const name = `ns${made++}`;
      const path = await namespaces.createNetwork(call, name);
      return { path, delete: async () => await namespaces.deleteNetwork(call, name) };
    },
    ip: async (path, ...args) => JSON.parse((await inside(path, "ip", "-json", ...args)) || "[]") as unknown,
    serve: async (path, port, answer) => {
      const argv = [`--net=${path}`, "socat", `TCP6-LISTEN:${port},ipv6only=0,fork,reuseaddr`, `SYSTEM:echo ${answer}`];
      servers.push(spawn("nsenter", argv, { stdio: "ignore" }));
      await listening(path, port);
    },
    fetch: async (host, port, from) =>
      from === undefined
        ? await fetchText(host, port)
        : (await inside(from, "socat", "-T20", "-", `TCP:${host}:${port},connect-timeout=5`)).trim(),
    [Symbol.asyncDispose]: async () => {
      await using _stack = stack;
      for (const server of servers) await ended(server);
      for (const name of await namespaces.listNetwork()) await namespaces.deleteNetwork(call, name);
      const left = await leftOver(directory.path);
      // A test that fails half-way must not leave its things to the others.
      const cleaner = open();
      await cleaner.recover(call, records, []);
      for (const record of records) await cleaner.remove(call, { ...record, bridge: `fy-${record.id.slice(0, 12)}` });
      assert.deepEqual(left, []);
    },
  };
}

async function inside(path: string, ...argv: string[]): Promise<string> {
  return (await execute("nsenter", [`--net=${path}`, ...argv])).stdout;
}

async function listening(path: string, port: number): Promise<void> {
  const sockets = async () => await inside(path, "ss", "-Hltn", `sport = :${port}`);
  await eventually(`something listens on ${port}`, async () => (await sockets()).trim() !== "");
}

async function fetchText(host: string, port: number): Promise<string> {
  const socket = createConnection({ host, port, signal: AbortSignal.timeout(20_000) });
  return (await text(socket)).trim();
}

async function ended(child: ChildProcess): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  child.once("exit", () => resolve());
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGKILL");
  await promise;
}

/** What a driver on this state directory may leave nowhere: rules, links, leases, results. */
async function leftOver(directory: string): Promise<string[]> {
  const tag = createHash("sha256").update(directory).digest("hex").slice(0, 6);
  const saved = await Promise.all(
    ["iptables-save", "ip6tables-save"].map(async (name) => (await execute(name)).stdout),
  );
  const rules = saved
    .join("\n")
    .split("\n")
    .filter((line) => line.includes(`FERRY-${tag}`));
  const ids = Buffer.from(directory.slice(-6)).toString("hex");
  const links = globSync("/sys/class/net/fy-*").filter((link) => link.includes(`fy-${ids}`));
  return [...rules, ...links, ...globSync(`${directory}/cni/*/*`)];
}
