import { isKind } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { Container } from "#core/containers/container.ts";
import { findUser } from "#engine/collect-spec-facts.ts";
import { rootfsDirectory } from "#engine/container-paths.ts";
import { resolveImage } from "#engine/resolve-image.ts";
import { ContainerState, type ContainerFilter } from "#gen/runtime/v1/containers_pb.ts";
import type { Cri } from "./cri.ts";
import { canonicalNames } from "./image-names.ts";
import { containerRecord, mountsOf, resourcesOf, type ContainerRecord } from "./records.ts";
import { hasLabels } from "./to-pod.ts";
import { toSignal } from "./to-signal.ts";

/** One whose start failed is over: the kubelet makes another. */
export function toContainerState({ status }: Container): ContainerState {
  switch (status.state) {
    case "creating":
    case "created":
      return status.error === "" ? ContainerState.CONTAINER_CREATED : ContainerState.CONTAINER_EXITED;
    case "running":
    case "paused":
      return ContainerState.CONTAINER_RUNNING;
    case "exited":
      return ContainerState.CONTAINER_EXITED;
    case "restarting":
    case "removing":
    case "dead":
      return ContainerState.CONTAINER_UNKNOWN;
  }
}

/** A line of the list. */
export function toContainer(container: Container, record: ContainerRecord) {
  return {
    id: container.id,
    podSandboxId: container.sandboxId ?? "",
    metadata: { name: record.name, attempt: record.attempt },
    image: { image: record.image, userSpecifiedImage: record.userSpecifiedImage },
    imageRef: container.image.id,
    imageId: container.image.id,
    state: toContainerState(container),
    createdAt: container.createdAtNs,
    labels: record.labels,
    annotations: record.annotations,
  };
}

type Wanted = Pick<ContainerFilter, "id" | "podSandboxId" | "labelSelector" | "state">;

/** Containers of pods that fit, the newest first. */
export async function selectContainers(
  call: Call,
  { engine }: Cri,
  filter: Wanted | undefined,
): Promise<{ container: Container; record: ContainerRecord }[]> {
  const all = await engine.containers.list(call);
  const fits = all.flatMap((container) => {
    const record = containerRecord(container);
    if (record === undefined || container.status.state === "creating") return [];
    if (filter !== undefined && !isWanted(container, record, filter)) return [];
    return [{ container, record }];
  });
  return fits.reverse();
}

function isWanted(container: Container, record: ContainerRecord, filter: Wanted): boolean {
  if (filter.id !== "" && !container.id.startsWith(filter.id)) return false;
  if (filter.podSandboxId !== "" && container.sandboxId?.startsWith(filter.podSandboxId) !== true) return false;
  if (filter.state !== undefined && filter.state.state !== toContainerState(container)) return false;
  return hasLabels(record.labels, filter.labelSelector);
}

/** All that is known of one container. */
export async function toContainerStatus(call: Call, cri: Cri, container: Container) {
  const record = containerRecord(container) ?? emptyRecord;
  const { status } = container;
  const line = toContainer(container, record);
  const [names, user] = await Promise.all([namesOf(call, cri, container), userOf(call, cri, container)]);
  const { podSandboxId: _, ...common } = line;
  const isOver = line.state === ContainerState.CONTAINER_EXITED;
  return {
    ...common,
    image: { ...line.image, image: names?.tag ?? record.image },
    imageRef: names?.digest ?? container.image.id,
    startedAt: status.startedAtNs ?? 0n,
    finishedAt: isOver ? (status.finishedAtNs ?? container.createdAtNs) : 0n,
    exitCode: status.exitCode,
    reason: isOver ? reasonOf(container) : "",
    message: status.error,
    mounts: mountsOf(record),
    logPath: container.logPath,
    resources: { linux: resourcesOf(record) },
    stopSignal: toSignal(container.config.stopSignal),
    ...(user !== undefined && { user }),
  };
}

const emptyRecord: ContainerRecord = {
  name: "",
  attempt: 0,
  image: "",
  userSpecifiedImage: "",
  labels: {},
  annotations: {},
  stopSignal: 0,
  mounts: [],
  resources: {},
};

/** Words that kubelets and their users look for. */
function reasonOf({ status }: Container): string {
  if (status.oomKilled) return "OOMKilled";
  if (status.error !== "" && status.startedAtNs === undefined) return "StartError";
  return status.exitCode === 0 ? "Completed" : "Error";
}

async function namesOf(call: Call, { engine }: Cri, { image }: Container) {
  try {
    const { names, target } = await resolveImage(call, engine, image.id);
    const { repoTags, repoDigests } = canonicalNames(names, target.digest);
    return { tag: repoTags[0], digest: repoDigests[0] };
  } catch (error) {
    if (isKind(error, "notFound")) return undefined;
    throw error;
  }
}

/** The first process's identity; known while the image's files are there to look at. */
async function userOf(call: Call, { engine }: Cri, container: Container) {
  if (container.status.state !== "running") return undefined;
  try {
    const { uid, gid, additionalGids } = await findUser(
      call,
      engine,
      container.config,
      rootfsDirectory(engine, container),
    );
    return { linux: { uid: BigInt(uid), gid: BigInt(gid), supplementalGroups: additionalGids.map(BigInt) } };
  } catch {
    return undefined;
  }
}
