import { mkdir, stat, writeFile } from "node:fs/promises";
import { hostname as hostName } from "node:os";
import { join } from "node:path";
import { nowNs, type UnixNs } from "#base/clock.ts";
import { EngineError, errnoOf } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { ContainerMount } from "#core/containers/container-config.ts";
import type { Container } from "#core/containers/container.ts";
import type { Task } from "#core/tasks/runtime.ts";
import { collectSpecFacts } from "./collect-spec-facts.ts";
import { containerDirectory, networkFilePaths, rootfsDirectory } from "./container-paths.ts";
import type { Engine } from "./engine.ts";
import { getSnapshotter } from "./get-snapshotter.ts";
import { fillLinuxNamespace, openLinuxNamespace } from "./container-network.ts";
import { mountOptionsOf } from "./id-mapped-mounts.ts";
import { isServed, restatePeers } from "./restate-peers.ts";
import { writeNetworkFiles } from "./write-network-files.ts";
import { toOciSpec } from "./oci-spec/to-oci-spec.ts";

export type LaunchedTask = { readonly task: Task; readonly startedAtNs: UnixNs };

/**
 * Makes the process of a container and starts it.
 *
 * The network is made while the runtime prepares the process: the one needs only the path of the linux namespace, the
 * other only to be ready before the process runs. On failure the caller releases whatever is there by then.
 */
export async function launchTask(call: Call, engine: Engine, container: Container): Promise<LaunchedTask> {
  const etc = await etcFiles(call, engine, container);
  await mkdir(containerDirectory(engine, container), { recursive: true, mode: 0o710 });
  const networkPath = await openLinuxNamespace(call, engine, container);
  const [prepared, connected] = await Promise.allSettled([
    createTask(call, engine, container, { etc, networkPath }),
    connect(call, engine, container, etc),
  ]);
  // First: a network that fails takes the linux namespace away, and what the runtime says then is the consequence.
  if (connected.status === "rejected") throw connected.reason;
  if (prepared.status === "rejected") throw prepared.reason;
  const task = prepared.value;
  await engine.supervisor.attaches.connect(container.id, task);
  // Before the start: a short process has ended by the time that it returns.
  const startedAtNs = nowNs();
  await task.start(call);
  return { task, startedAtNs };
}

/** Its networks, and the files that tell about them. */
async function connect(call: Call, engine: Engine, container: Container, etc: EtcFiles): Promise<void> {
  const attachments = await fillLinuxNamespace(call, engine, container);
  // In another container's network it has that one's files.
  // In a pod's network it has the files that its mounts bring.
  if (["container", "path"].includes(container.config.linuxNamespaces.network.t)) return;
  await writeNetworkFiles(call, engine, { container, attachments, etc });
  for (const { networkId } of attachments) {
    const network = await engine.networks.get(call, networkId);
    if (!isServed(engine, network)) await restatePeers(call, engine, network);
  }
}

type EtcFiles = { readonly hosts: string; readonly hostname: string; readonly resolvConf: string };

async function createTask(
  call: Call,
  engine: Engine,
  container: Container,
  { etc, networkPath }: { etc: EtcFiles; networkPath: string | undefined },
): Promise<Task> {
  const { id, namespace, config, runtimeHandler, logPath } = container;
  const rootPath = rootfsDirectory(engine, container);
  await Promise.all([
    mountRoot(call, engine, container, rootPath),
    makeBindSources(config.mounts),
    writeFile(etc.hostname, `${config.hostname === "" ? hostName() : config.hostname}\n`),
    // The contents come with the networks, into the same file: it is mounted by then.
    writeFile(etc.hosts, "", { flag: "a" }),
    writeFile(etc.resolvConf, "", { flag: "a" }),
  ]);
  const facts = await collectSpecFacts(call, engine, {
    container,
    rootPath,
    etcFiles: etc,
    ...(networkPath === undefined ? {} : { networkPath }),
  });
  const maxBytes = config.log.maxBytes ?? engine.settings.log.maxBytes;
  return await engine.runtime.create(call, {
    namespace,
    containerId: id,
    runtimeHandler,
    spec: toOciSpec(config, facts),
    stdin: config.stdin,
    logPath,
    ...(maxBytes > 0 ? { logMaxBytes: maxBytes, logMaxFiles: config.log.maxFiles } : {}),
  });
}

async function mountRoot(call: Call, engine: Engine, container: Container, rootPath: string): Promise<void> {
  const mounts = await getSnapshotter(engine, container).mounts(call, container.snapshotKey);
  await mkdir(rootPath, { recursive: true, mode: 0o711 });
  await engine.mounter.mount(call, mounts, rootPath, mountOptionsOf(container.config));
}

async function etcFiles(call: Call, engine: Engine, container: Container): Promise<EtcFiles> {
  const { network } = container.config.linuxNamespaces;
  const other = network.t === "container" ? await engine.containers.resolve(call, network.containerId) : undefined;
  return {
    ...networkFilePaths(engine, other ?? container),
    hostname: join(containerDirectory(engine, container), "hostname"),
  };
}

/** Makes missing sources where that was asked for. @throws invalidArgument when one is missing */
async function makeBindSources(mounts: readonly ContainerMount[]): Promise<void> {
  for (const mount of mounts) {
    if (mount.t !== "bind") continue;
    try {
      await stat(mount.source);
    } catch (error) {
      if (errnoOf(error) !== "ENOENT") throw error;
      if (!mount.createSource) {
        const text = `invalid mount config for type "bind": bind source path does not exist: ${mount.source}`;
        throw new EngineError("invalidArgument", text, { cause: error });
      }
      await mkdir(mount.source, { recursive: true });
    }
  }
}
