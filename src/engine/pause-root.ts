import { access, chown, constants, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { ContainerMount } from "#core/containers/container-config.ts";
import { gcLabels } from "#core/labels.ts";
import type { Sandbox } from "#core/sandboxes/sandbox.ts";
import { toHostId } from "#core/sandboxes/user-namespace.ts";
import type { SnapshotKey } from "#core/snapshots/snapshotter.ts";
import { findUser } from "./collect-spec-facts.ts";
import { unpackContainerImage, type ContainerImage } from "./container-image.ts";
import type { Engine } from "./engine.ts";
import { getSnapshotter } from "./get-snapshotter.ts";
import { mergeImageConfig } from "./merge-image-config.ts";
import type { ResolvedUser } from "./oci-spec/spec-facts.ts";
import { userNamespaceOf } from "./sandbox-lock.ts";
import { sandboxPaths } from "./sandbox-paths.ts";

/** The program that holds a pod's linux namespaces, in its root directory. */
export type PauseProgram = {
  readonly rootPath: string;
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly workdir: string;
  readonly user: ResolvedUser;
  readonly mounts: readonly ContainerMount[];
};

/** Programs that wait for ever and reap children; static, so that they run in an empty root. */
const pausePrograms = ["/usr/bin/catatonit", "/usr/libexec/podman/catatonit", "/usr/local/bin/catatonit"];
const pausePath = "/pause";
const nobody = 65535;

/**
 * Makes the root directory of a pod's pause: of the sandbox image, or without one of this machine's own program.
 * {@link closePauseRoot} takes it away, however far it got.
 *
 * @throws failedPrecondition without image and program
 */
export async function openPauseRoot(
  call: Call,
  engine: Engine,
  sandbox: Sandbox,
  image: ContainerImage | undefined,
): Promise<PauseProgram> {
  const { pauseRoot } = sandboxPaths(engine, sandbox);
  if (image !== undefined) return await openImageRoot(call, engine, sandbox, image);
  const source = await findBuiltin();
  await mkdir(pauseRoot, { recursive: true, mode: 0o711 });
  await giveToPod(pauseRoot, sandbox);
  const program = {
    t: "bind",
    source,
    destination: pausePath,
    readOnly: true,
    recursiveReadOnly: false,
    nonRecursive: true,
    propagation: "rprivate",
    createSource: false,
  } as const;
  return {
    rootPath: pauseRoot,
    args: [pausePath, "-P"],
    env: [],
    workdir: "/",
    user: nobodyOf(sandbox),
    mounts: [program],
  };
}

/** Idempotent; the process has gone. */
export async function closePauseRoot(call: Call, engine: Engine, sandbox: Sandbox): Promise<void> {
  const { pauseRoot, stateDirectory } = sandboxPaths(engine, sandbox);
  // Where a start was cut short, layers may be mounted beside it: see `MountOptions`.
  for (const path of [pauseRoot, join(stateDirectory, "layers")]) await engine.mounter.unmount(call, path);
  // The default one may have been another when the pod was made.
  for (const snapshotter of engine.snapshotters.values()) {
    const key = snapshotKey(sandbox);
    if ((await snapshotter.find(call, key)) !== undefined) await snapshotter.remove(call, key);
  }
}

async function openImageRoot(
  call: Call,
  engine: Engine,
  sandbox: Sandbox,
  image: ContainerImage,
): Promise<PauseProgram> {
  const { pauseRoot } = sandboxPaths(engine, sandbox);
  const place = { snapshotter: engine.settings.defaultSnapshotter };
  const top = await unpackContainerImage(call, engine, place, image);
  const labels = { [gcLabels.root]: sandbox.id };
  const mounts = await getSnapshotter(engine, place).prepare(call, snapshotKey(sandbox), top, labels);
  await mkdir(pauseRoot, { recursive: true, mode: 0o711 });
  const userNamespace = userNamespaceOf(engine, sandbox);
  await engine.mounter.mount(call, mounts, pauseRoot, userNamespace === undefined ? {} : { userNamespace });
  const { config } = image.config;
  const { args, env, workdir } = mergeImageConfig(config, { command: [], env: [], workdir: "" });
  const user = await findUser(call, engine, { user: config.user, additionalGroups: [] }, pauseRoot);
  return { rootPath: pauseRoot, args, env, workdir, user, mounts: [] };
}

/** The runtime makes directories in there, as the pod's root. */
async function giveToPod(path: string, { config: { idMappings } }: Sandbox): Promise<void> {
  if (idMappings === undefined) return;
  await chown(path, toHostId(idMappings.uids, 0) ?? 0, toHostId(idMappings.gids, 0) ?? 0);
}

/** A small user namespace has no such id. */
function nobodyOf({ config: { idMappings } }: Sandbox): ResolvedUser {
  const isThere = idMappings === undefined || toHostId(idMappings.uids, nobody) !== undefined;
  const id = isThere ? nobody : 0;
  return { uid: id, gid: id, additionalGids: [id], home: "/" };
}

function snapshotKey({ id }: Sandbox): SnapshotKey {
  return `${id}-pause` as SnapshotKey;
}

async function findBuiltin(): Promise<string> {
  for (const path of pausePrograms) {
    const there = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (there) return path;
  }
  throw new EngineError("failedPrecondition", "pod sandbox: neither sandbox image nor a pause program (catatonit)");
}
