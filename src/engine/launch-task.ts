import { mkdir, stat, writeFile } from "node:fs/promises";
import { hostname as hostName } from "node:os";
import { join } from "node:path";
import { EngineError, errnoOf } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { ContainerMount } from "#core/containers/container-config.ts";
import type { Container } from "#core/containers/container.ts";
import type { Task } from "#core/tasks/runtime.ts";
import { collectSpecFacts } from "./collect-spec-facts.ts";
import { containerDirectory, rootfsDirectory } from "./container-paths.ts";
import type { Engine } from "./engine.ts";
import { getSnapshotter } from "./get-snapshotter.ts";
import { attachNetworks } from "./network-step.ts";
import { toOciSpec } from "./oci-spec/to-oci-spec.ts";
import { pinsNetwork } from "./release-container.ts";

/**
 * Makes the process of a container and starts it.
 *
 * The network is made while the runtime prepares the process: the one needs only the path of the linux namespace, the
 * other only to be ready before the process runs. On failure the caller releases whatever is there by then.
 */
export async function launchTask(call: Call, engine: Engine, container: Container): Promise<Task> {
  const etc = etcFiles(engine, container);
  await mkdir(containerDirectory(engine, container), { recursive: true, mode: 0o710 });
  const networkPath = pinsNetwork(container)
    ? await engine.linuxNamespaces.createNetwork(call, container.id)
    : undefined;
  const [prepared, connected] = await Promise.allSettled([
    createTask(call, engine, container, { etc, networkPath }),
    networkPath === undefined ? container : attachNetworks(call, engine, container, networkPath),
  ]);
  if (prepared.status === "rejected") throw prepared.reason;
  if (connected.status === "rejected") throw connected.reason;
  const task = prepared.value;
  await engine.supervisor.attaches.connect(container.id, task);
  await task.start(call);
  return task;
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
    // The contents come with the networks; a mount wants the file.
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
    ...(maxBytes > 0 ? { logMaxBytes: maxBytes } : {}),
  });
}

async function mountRoot(call: Call, engine: Engine, container: Container, rootPath: string): Promise<void> {
  const mounts = await getSnapshotter(engine, container).mounts(call, container.snapshotKey);
  await mkdir(rootPath, { recursive: true, mode: 0o711 });
  await engine.mounter.mount(call, mounts, rootPath);
}

function etcFiles(engine: Engine, container: Container): EtcFiles {
  const directory = containerDirectory(engine, container);
  return {
    hosts: join(directory, "hosts"),
    hostname: join(directory, "hostname"),
    resolvConf: join(directory, "resolv.conf"),
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
