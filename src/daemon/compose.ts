import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { version } from "node:process";
import { EngineError } from "#base/errors.ts";
import { parseDurationMs } from "#base/go-duration.ts";
import { KeyedLock } from "#base/keyed-lock.ts";
import { Limiter } from "#base/limiter.ts";
import type { Logger } from "#base/logger.ts";
import { parseNamespace, type Call } from "#core/call.ts";
import { EventBus } from "#core/events/event-bus.ts";
import { parseResolvConf } from "#core/networks/resolv-conf.ts";
import type { Snapshotter } from "#core/snapshots/snapshotter.ts";
import { FsContentStore } from "#drivers/content-fs/fs-content-store.ts";
import { LayerWorkers } from "#drivers/layer-tar/layer-workers.ts";
import { TarLayerApplier } from "#drivers/layer-tar/tar-layer-applier.ts";
import { PinnedLinuxNamespaces } from "#drivers/linux-namespaces/pinned-linux-namespaces.ts";
import { PinnedPodNamespaces } from "#drivers/linux-namespaces/pinned-pod-namespaces.ts";
import { SqliteMetadata } from "#drivers/metadata-sqlite/sqlite-metadata.ts";
import { TarTreeArchiver } from "#drivers/layer-tar/tar-tree-archiver.ts";
import { LinuxMounter } from "#drivers/mount-linux/linux-mounter.ts";
import { LinuxRootFiles } from "#drivers/mount-linux/linux-root-files.ts";
import { DnsNameService } from "#drivers/name-service-dns/dns-name-service.ts";
import { CdiDevices } from "#drivers/devices-cdi/cdi-devices.ts";
import { CniNetworkDriver } from "#drivers/network-cni/cni-network-driver.ts";
import { CniPodNetwork } from "#drivers/network-cni/cni-pod-network.ts";
import { OciRegistry } from "#drivers/registry-oci/oci-registry.ts";
import { proxyFromEnvironment, registryDefaults } from "#drivers/registry-oci/registry-config.ts";
import { NativeTrees } from "#drivers/snapshot-trees/native-trees.ts";
import { OverlayTrees } from "#drivers/snapshot-trees/overlay-trees.ts";
import type { TreeKind } from "#drivers/snapshot-trees/tree-kind.ts";
import { TreeSnapshotter } from "#drivers/snapshot-trees/tree-snapshotter.ts";
import { LocalVolumeStore } from "#drivers/volumes-local/local-volume-store.ts";
import { ensureBuiltinNetworks } from "#engine/create-network.ts";
import type { Engine } from "#engine/engine.ts";
import { ExecRegistry } from "#engine/exec-registry.ts";
import { GarbageCollector } from "#engine/garbage-collector.ts";
import { readHostResolvConf } from "#engine/host-resolv-conf.ts";
import { BlobFlights } from "#engine/images/blob-flights.ts";
import { DocumentCache } from "#engine/images/document-cache.ts";
import { recover } from "#engine/recover.ts";
import { SandboxImage } from "#engine/sandbox-image.ts";
import { Supervisor } from "#engine/supervisor.ts";
import { openCriServer } from "#surfaces/cri/server.ts";
import type { PodSettings } from "#surfaces/docker/pods/pod-settings.ts";
import { openDockerServer } from "#surfaces/docker/server.ts";
import type { Config } from "./config.ts";
import { engineSettings } from "./engine-settings.ts";
import { findGroupId } from "./find-group.ts";
import { releaseMemoryAtRest } from "./rest.ts";
import { openRuntime } from "./open-runtime.ts";
import { readVersion } from "./version.ts";

/** Wraps a noun as it is composed; crash tests stop it at named points. */
export type Decorate = <K extends keyof Engine>(noun: K, implementation: Engine[K]) => Engine[K];

export type DaemonOptions = { readonly config: Config; readonly log: Logger; readonly decorate?: Decorate };

/** A daemon at work. Disposing it closes surfaces, then drivers; containers run on. */
export interface Daemon extends AsyncDisposable {
  readonly engine: Engine;
  /** A call of the daemon's own, in the namespace of Docker's clients. */
  readonly call: Call;
}

/** Builds every driver, recovers, opens the surfaces; ready when it settles. The caller holds the root's lock. */
export async function openDaemon(options: DaemonOptions): Promise<Daemon> {
  const { config, log } = options;
  await using stack = new AsyncDisposableStack();
  const closing = new AbortController();
  const call: Call = { signal: closing.signal, log, namespace: parseNamespace(config.docker.namespace) };
  const { engine, collector } = await composeEngine(call, stack, options);
  stack.defer(() => closing.abort());
  await ensureBuiltinNetworks(call, engine);
  await recover(call, engine);
  runUntilClosed(stack, (signal) => collector.run(signal));
  await openSurfaces(call, engine, stack, config);
  runUntilClosed(stack, (signal) => releaseMemoryAtRest(log, signal));
  const held = stack.move();
  return { engine, call, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

/** Archives of `docker cp` on their way at a time. */
const maxArchives = 8;

/** Every noun in order of need; each that must end is on the stack. */
async function composeEngine(
  call: Call,
  stack: AsyncDisposableStack,
  { config, log, decorate = (_noun, it) => it }: DaemonOptions,
): Promise<{ engine: Engine; collector: GarbageCollector }> {
  const { root, state } = config.daemon;
  await mkdir(root, { recursive: true, mode: 0o710 });
  await mkdir(state, { recursive: true, mode: 0o711 });
  const settings = await engineSettings(config);
  const metadata = stack.use(SqliteMetadata.open(join(root, "meta.db")));
  const workers = stack.use(new LayerWorkers());
  const runtime = await openRuntime(call, stack, { config, log });
  // Threads of their own: a slow client of an archive must not hold up an unpack.
  const archiver = new TarTreeArchiver(stack.use(new LayerWorkers(maxArchives)));
  const snapshotters = openSnapshotters(join(root, "snapshots"), { metadata, archiver, sync: config.snapshots.sync });
  const networkDriver = stack.use(openNetworkDriver(config));
  const linuxNamespaces = stack.use(new PinnedLinuxNamespaces(join(state, "netns")));
  const names = stack.use(new DnsNameService({ log, hostServers }));
  const supervisor = stack.use(new Supervisor(log));
  const parts = {
    settings,
    content: decorate("content", await FsContentStore.open(join(root, "content"), metadata.content)),
    images: decorate("images", metadata.images),
    leases: decorate("leases", metadata.leases),
    graph: decorate("graph", metadata.graph),
    snapshotters: decorate("snapshotters", snapshotters),
    layers: decorate("layers", new TarLayerApplier(workers)),
    archiver: decorate("archiver", archiver),
    mounter: decorate("mounter", new LinuxMounter()),
    rootFiles: decorate("rootFiles", new LinuxRootFiles()),
    registry: decorate("registry", openRegistry(config)),
    runtime: decorate("runtime", runtime),
    containers: decorate("containers", metadata.containers),
    networks: decorate("networks", metadata.networks),
    networkDriver: decorate("networkDriver", networkDriver),
    linuxNamespaces: decorate("linuxNamespaces", linuxNamespaces),
    names: decorate("names", names),
    sandboxes: decorate("sandboxes", metadata.sandboxes),
    podNamespaces: decorate("podNamespaces", stack.use(new PinnedPodNamespaces(join(state, "pods")))),
    podNetwork: decorate("podNetwork", stack.use(openPodNetwork(config))),
    sandboxImage: openSandboxImage(config),
    volumes: decorate("volumes", new LocalVolumeStore(join(root, "volumes"), metadata.volumes)),
    devices: decorate("devices", new CdiDevices(config.cri.enableCdi ? config.cri.cdiSpecDirs : [])),
    events: new EventBus(),
    locks: new KeyedLock(),
    downloads: new Limiter(config.images.maxDownloads),
    blobFlights: new BlobFlights(),
    documents: new DocumentCache(),
    execs: new ExecRegistry(),
    supervisor,
  };
  const collector = new GarbageCollector(call, parts, { delayMs: config.images.collectAfterMs });
  return { engine: { ...parts, garbage: collector }, collector };
}

type SnapshotParts = { readonly metadata: SqliteMetadata; readonly archiver: TarTreeArchiver; readonly sync: boolean };

function openSnapshotters(directory: string, { metadata, archiver, sync }: SnapshotParts) {
  const open = (kind: TreeKind) =>
    new TreeSnapshotter(kind, join(directory, kind.name), metadata.snapshots(kind.name), { sync });
  return new Map<string, Snapshotter>([new OverlayTrees(), new NativeTrees(archiver)].map((it) => [it.name, open(it)]));
}

function openRegistry({ images }: Config): OciRegistry {
  return new OciRegistry({
    ...registryDefaults,
    hostsDirectories: images.certsDirectories,
    insecureRegistries: [...registryDefaults.insecureRegistries, ...images.insecureRegistries],
    proxy: proxyFromEnvironment(process.env),
    userAgent: `ferry/${readVersion()} node/${version.slice(1)}`,
  });
}

function openNetworkDriver({ daemon, network }: Config): CniNetworkDriver {
  return new CniNetworkDriver({
    stateDirectory: daemon.state,
    binDirectories: network.pluginDirectories,
    timeoutMs: network.pluginTimeoutMs,
    settings: network,
  });
}

function openPodNetwork({ daemon, network, cri }: Config): CniPodNetwork {
  return new CniPodNetwork(cri.cniConfDir, {
    addressPreference: cri.cniIpPref === "ipv6" || cri.cniIpPref === "cni" ? cri.cniIpPref : "ipv4",
    binDirectories: network.pluginDirectories,
    cacheDirectory: join(daemon.state, "pod-network"),
    timeoutMs: network.pluginTimeoutMs,
  });
}

function openSandboxImage({ cri }: Config): SandboxImage {
  return new SandboxImage({ reference: cri.sandboxImage, namespace: parseNamespace(cri.namespace) });
}

async function hostServers(): Promise<readonly string[]> {
  return parseResolvConf(await readHostResolvConf()).servers;
}

function runUntilClosed(stack: AsyncDisposableStack, run: (signal: AbortSignal) => Promise<void>): void {
  const ending = new AbortController();
  const running = run(ending.signal);
  stack.defer(async () => {
    ending.abort();
    await running;
  });
}

async function openSurfaces(call: Call, engine: Engine, stack: AsyncDisposableStack, config: Config): Promise<void> {
  if (config.cri.enable) stack.use(await openCri(call, engine, config));
  const { socket, group, namespace } = config.docker;
  if (socket === "") return;
  const groupId = group === "" ? undefined : await findGroupId(group);
  const server = await openDockerServer(call, engine, {
    socketPath: socket,
    version: readVersion(),
    namespace: parseNamespace(namespace),
    pods: { namespace: parseNamespace(config.cri.namespace), access: toPodAccess(config.docker.pods) },
    ...(groupId === undefined ? {} : { groupId }),
  });
  stack.use(server);
}

/** @throws invalidArgument for TLS without a certificate */
function streamSettings({ enableTlsStreaming, ...cri }: Config["cri"]) {
  const { tls_cert_file: certPath = "", tls_key_file: keyPath = "" } = cri.x509KeyPairStreaming;
  if (enableTlsStreaming && (certPath === "" || keyPath === "")) {
    const wanted = "tls_cert_file and tls_key_file of cri.x509_key_pair_streaming";
    throw new EngineError("invalidArgument", `config: cri.enable_tls_streaming: needs ${wanted}`);
  }
  return {
    streamIdleTimeoutMs: parseDurationMs(cri.streamIdleTimeout),
    streamCreationTimeoutMs: parseDurationMs(cri.streamCreationTimeout),
    ...(enableTlsStreaming && { streamTls: { certPath, keyPath } }),
  };
}

/** The configuration has nothing else. */
function toPodAccess(text: string): PodSettings["access"] {
  return text === "hidden" || text === "writable" ? text : "read-only";
}

/** Nothing of it is loaded before somebody connects. */
async function openCri(call: Call, engine: Engine, { cri, daemon }: Config): Promise<AsyncDisposable> {
  return await openCriServer(call, engine, {
    socketPath: cri.socket === "" ? join(daemon.state, "ferry.sock") : cri.socket,
    version: readVersion(),
    namespace: parseNamespace(cri.namespace),
    sandboxImage: cri.sandboxImage,
    unprivilegedPorts: cri.enableUnprivilegedPorts,
    unprivilegedIcmp: cri.enableUnprivilegedIcmp,
    streamAddress: cri.streamServerAddress,
    streamPort: cri.streamServerPort,
    ...streamSettings(cri),
  });
}
