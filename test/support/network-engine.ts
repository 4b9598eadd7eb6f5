import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { globSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { promisify } from "node:util";
import { KeyedLock } from "#base/keyed-lock.ts";
import { silentLogger } from "#base/logger.ts";
import type { ContainerConfig } from "#core/containers/container-config.ts";
import { newStatus } from "#core/containers/container-status.ts";
import type { Container, ContainerId } from "#core/containers/container.ts";
import type { Digest } from "#core/content/digest.ts";
import { EventBus } from "#core/events/event-bus.ts";
import type { SnapshotKey } from "#core/snapshots/snapshotter.ts";
import { PinnedLinuxNamespaces } from "#drivers/linux-namespaces/pinned-linux-namespaces.ts";
import { SqliteMetadata } from "#drivers/metadata-sqlite/sqlite-metadata.ts";
import { DnsNameService } from "#drivers/name-service-dns/dns-name-service.ts";
import { CniNetworkDriver } from "#drivers/network-cni/cni-network-driver.ts";
import { LocalVolumeStore } from "#drivers/volumes-local/local-volume-store.ts";
import { defaultContainerConfig } from "#engine/default-container-config.ts";
import type { EngineSettings } from "#engine/engine.ts";
import { testCall } from "./call.ts";
import { requireBinary, requireRoot } from "./require.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

const execute = promisify(execFile);
const call = testCall();

/**
 * The nouns that networks and volumes need, with their real drivers, on a state directory of their own. `reopen` is
 * what a restart of the daemon makes. Ends by proving that nothing is left on the host.
 */
export async function networkEngine(t: TestContext) {
  if (!requireRoot(t) || !requireBinary(t, "bridge", "host-local", "iptables", "ip", "nsenter")) return undefined;
  await using undo = new AsyncDisposableStack();
  const directory = undo.use(await temporaryDirectory("engine"));
  const { path } = directory;
  undo.defer(async () => assert.deepEqual(await leftOver(path), []));
  await mkdir(join(path, "volumes"));
  const metadata = undo.use(SqliteMetadata.open(join(path, "meta.db")));
  const open = () => {
    const names = new DnsNameService({ log: silentLogger, hostServers: async () => [] });
    return {
      containers: metadata.containers,
      networks: metadata.networks,
      volumes: new LocalVolumeStore(join(path, "volumes"), metadata.volumes),
      networkDriver: new CniNetworkDriver({
        stateDirectory: path,
        binDirectories: ["/opt/cni/bin", "/usr/lib/cni"],
        timeoutMs: 120_000,
      }),
      linuxNamespaces: new PinnedLinuxNamespaces(join(path, "netns")),
      names,
      events: new EventBus(),
      locks: new KeyedLock(),
      settings: settingsBelow(path),
    };
  };
  const engine = open();
  undo.use(engine.names);
  undo.use(engine.linuxNamespaces);
  undo.use(engine.networkDriver);
  const stack = undo.move();
  return {
    engine,
    reopen: async () => {
      await engine.names[Symbol.asyncDispose]();
      const again = open();
      for (const part of [again.linuxNamespaces, again.networkDriver, again.names]) stack.use(part);
      return again;
    },
    container: async (name: string, config: Partial<ContainerConfig> = {}) => {
      const container = containerRecord(name, config);
      await engine.containers.create(call, container);
      return container;
    },
    inside: async (container: Container, ...argv: string[]) =>
      (await execute("nsenter", [`--net=${engine.linuxNamespaces.pathOf(container.id)}`, ...argv])).stdout,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** Only the directories matter to networks. */
function settingsBelow(path: string): EngineSettings {
  return { rootDirectory: path, stateDirectory: path } as EngineSettings;
}

export type NetworkEngineFixture = NonNullable<Awaited<ReturnType<typeof networkEngine>>>;

function containerRecord(name: string, config: Partial<ContainerConfig>): Container {
  const id = randomBytes(32).toString("hex");
  const digest = `sha256:${"0".repeat(64)}` as Digest;
  return {
    id: id as ContainerId,
    namespace: call.namespace,
    name,
    labels: {},
    image: { reference: "image", id: digest, manifest: digest },
    snapshotter: "overlayfs",
    snapshotKey: id as SnapshotKey,
    runtimeHandler: "",
    config: { ...defaultContainerConfig, args: ["true"], hostname: id.slice(0, 12), ...config },
    status: { ...newStatus, state: "created" },
    attachments: [],
    logPath: "",
    extensions: {},
    createdAtNs: 0n,
  };
}

/** Rules, links, linux namespaces, leases and results below a state directory. */
async function leftOver(path: string): Promise<string[]> {
  const tag = createHash("sha256").update(path).digest("hex").slice(0, 6);
  const saved = await Promise.all(["iptables-save", "ip6tables-save"].map(async (it) => (await execute(it)).stdout));
  const rules = saved.flatMap((text) => text.split("\n")).filter((line) => line.includes(`FERRY-${tag}`));
  const mounts = (await readFile("/proc/self/mountinfo", "utf8")).split("\n").filter((line) => line.includes(path));
  return [...rules, ...mounts, ...globSync([`/sys/class/net/ferry-${tag}*`, `${path}/netns/*`, `${path}/cni/*/*`])];
}
