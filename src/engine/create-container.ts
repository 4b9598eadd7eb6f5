import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { nowNs } from "#base/clock.ts";
import { EngineError, isKind } from "#base/errors.ts";
import type { JsonObject } from "#base/json.ts";
import { detachedCall, type Call } from "#core/call.ts";
import type { ContainerConfig } from "#core/containers/container-config.ts";
import { newStatus } from "#core/containers/container-status.ts";
import type { Container, ContainerId } from "#core/containers/container.ts";
import type { Labels } from "#core/labels.ts";
import type { SandboxId } from "#core/sandboxes/sandbox.ts";
import type { SnapshotKey } from "#core/snapshots/snapshotter.ts";
import { advanceContainer } from "./advance-container.ts";
import { lockContainer } from "./container-lock.ts";
import { parseContainerName, randomContainerName } from "./container-name.ts";
import { containerDirectory } from "./container-paths.ts";
import type { Engine } from "./engine.ts";
import { ensureBuiltinNetworks } from "./create-network.ts";
import { getSnapshotter } from "./get-snapshotter.ts";
import { makeImageMounts } from "./image-mounts.ts";
import { makeVolumes, nameVolumes } from "./make-volumes.ts";
import { eraseContainer } from "./remove-container.ts";
import { findContainerImage, unpackContainerImage, type ContainerImage } from "./container-image.ts";

export type CreateContainerRequest = {
  /** Without one: two words, `adjective_surname`. */
  readonly name?: string;
  /** As the person wrote it: name, id or digest of an image that is here already. */
  readonly imageReference: string;
  /** Image defaults merged in by `merge-image-config.ts`. A volume mount with an empty name is made as an anonymous volume. */
  readonly config: ContainerConfig;
  readonly labels: Labels;
  readonly extensions: Readonly<Record<string, JsonObject>>;
  /** Undefined: the runtime's default one. */
  readonly runtimeHandler?: string;
  readonly sandboxId?: SandboxId;
  /** Where its log goes; undefined: the engine's own place. A log elsewhere stays when the container goes. */
  readonly logPath?: string;
};

const randomNameAttempts = 10;

/**
 * Makes a container: image unpacked, writable snapshot, volumes; nothing runs yet.
 *
 * On failure nothing is left. Publishes `create`.
 *
 * @throws notFound when the image is not here, or a network or a `container:` target
 * @throws conflict when the name is in use
 * @throws invalidArgument for a bad name or a config without command
 */
export async function createContainer(call: Call, engine: Engine, request: CreateContainerRequest): Promise<Container> {
  if (request.config.args.length === 0) throw new EngineError("invalidArgument", "no command specified");
  const image = await findContainerImage(call, engine, request.imageReference);
  await checkTargets(call, engine, request.config);
  const container = await reserve(call, engine, request, image);
  using _lock = await lockContainer(call, engine, container.id);
  await using undo = new AsyncDisposableStack();
  undo.defer(() => eraseContainer(detachedCall(call), engine, container, true));
  const parent = await unpackContainerImage(call, engine, container, image);
  await getSnapshotter(engine, container).prepare(call, container.snapshotKey, parent);
  await makeVolumes(call, engine, container);
  await makeImageMounts(call, engine, container);
  const created = await advanceContainer(call, engine, container.id, { t: "prepared" });
  undo.move();
  return created;
}

/** Networks and containers that the config names must be there. @throws notFound */
async function checkTargets(call: Call, engine: Engine, config: ContainerConfig): Promise<void> {
  if (config.networks.length > 0) await ensureBuiltinNetworks(call, engine);
  for (const { network } of config.networks) await engine.networks.get(call, network);
  for (const mode of Object.values(config.linuxNamespaces)) {
    if (mode.t === "container") await engine.containers.resolve(call, mode.containerId);
  }
}

/** Stores the record, state `creating`, and with it takes the name; from here on the image is kept. */
async function reserve(
  call: Call,
  engine: Engine,
  request: CreateContainerRequest,
  image: ContainerImage,
): Promise<Container> {
  const record = newRecord(call, engine, request, image);
  if (request.name !== undefined && request.name !== "") {
    const named = { ...record, name: parseContainerName(request.name) };
    await engine.containers.create(call, named);
    return named;
  }
  for (let attempt = 0; ; attempt++) {
    const named = { ...record, name: randomContainerName(attempt) };
    try {
      await engine.containers.create(call, named);
      return named;
    } catch (error) {
      if (attempt >= randomNameAttempts || !isKind(error, "conflict")) throw error;
    }
  }
}

function newRecord(
  { namespace }: Call,
  engine: Engine,
  { imageReference, config, labels, extensions, runtimeHandler, logPath, sandboxId }: CreateContainerRequest,
  image: ContainerImage,
): Omit<Container, "name"> {
  const hex = randomBytes(32).toString("hex");
  const id = hex as ContainerId;
  const ownHostname = config.linuxNamespaces.uts.t === "private";
  return {
    id,
    namespace,
    labels,
    image: { reference: imageReference, id: image.id, manifest: image.manifest.digest },
    snapshotter: engine.settings.defaultSnapshotter,
    snapshotKey: hex as SnapshotKey,
    runtimeHandler: runtimeHandler ?? engine.runtime.defaultHandler,
    ...(sandboxId !== undefined && { sandboxId }),
    config: {
      ...config,
      hostname: config.hostname === "" && ownHostname ? hex.slice(0, 12) : config.hostname,
      mounts: nameVolumes(config.mounts),
    },
    status: newStatus,
    attachments: [],
    logPath: logPath ?? join(containerDirectory(engine, { id, namespace }), "container.log"),
    extensions,
    createdAtNs: nowNs(),
  };
}
