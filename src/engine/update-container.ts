import { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { RestartPolicy } from "#core/containers/container-config.ts";
import type { Container } from "#core/containers/container.ts";
import type { Resources } from "#core/tasks/resources.ts";
import { blockDevicePaths } from "./collect-spec-facts.ts";
import { publishContainer } from "./container-event.ts";
import { lockContainer } from "./container-lock.ts";
import { isUp } from "./container-machine.ts";
import type { Engine } from "./engine.ts";
import { getTask } from "./find-task.ts";
import { findBlockDevices } from "./oci-spec/find-devices.ts";
import { toOciResources } from "./oci-spec/to-oci-resources.ts";

export type UpdateContainerRequest = {
  readonly container: string;
  /** Fields that are there replace the container's; the others stay. */
  readonly resources?: Resources;
  readonly restart?: RestartPolicy;
};

/**
 * Changes limits (of a running container at once) and restart policy. Publishes `update`.
 *
 * @throws conflict when it is on its way out, or a limit does not go with one that it has
 * @throws invalidArgument when the kernel refuses a limit, or a restart policy is given to an `autoRemove` container
 */
export async function updateContainer(call: Call, engine: Engine, request: UpdateContainerRequest): Promise<Container> {
  const { id } = await engine.containers.resolve(call, request.container);
  using _lock = await lockContainer(call, engine, id);
  const before = await engine.containers.get(call, id);
  refuseUpdate(before, request);
  refuseConflicts(before.config.resources, request.resources ?? {});
  const resources = { ...before.config.resources, ...request.resources };
  const { restart = before.config.restart } = request;
  const config = { ...before.config, resources, restart };
  if (request.resources !== undefined && isUp(before.status)) await apply(call, engine, { ...before, config });
  const container = await engine.containers.update(call, id, (it) => ({ ...it, config }));
  publishContainer(engine, container, "update");
  return container;
}

function refuseUpdate({ id, config, status }: Container, { restart }: UpdateContainerRequest): void {
  const fail = (kind: "conflict" | "invalidArgument", why: string): never => {
    throw new EngineError(kind, `Cannot update container ${id}: ${why}`);
  };
  if (status.state === "removing" || status.state === "dead") {
    fail("conflict", 'container is marked for removal and cannot be "update"');
  }
  if (config.autoRemove && restart !== undefined && restart.name !== "no") {
    fail("invalidArgument", "Restart policy cannot be updated because AutoRemove is enabled for the container");
  }
}

/** Docker's rules and texts. Source: moby daemon/container/container_unix.go, `UpdateContainer`. */
function refuseConflicts(has: Resources, wants: Resources): void {
  const fail = (text: string): never => {
    throw new EngineError("conflict", text);
  };
  const isSet = (value: number | undefined) => value !== undefined && value > 0;
  const cpu = (what: string, other: string) =>
    fail(`Conflicting options: ${what} cannot be updated as ${other} has already been set`);
  if (isSet(wants.nanoCpus) && isSet(has.cpuPeriodUs)) cpu("Nano CPUs", "CPU Period");
  if (isSet(wants.nanoCpus) && isSet(has.cpuQuotaUs)) cpu("Nano CPUs", "CPU Quota");
  if (isSet(wants.cpuPeriodUs) && isSet(has.nanoCpus)) cpu("CPU Period", "NanoCPUs");
  if (isSet(wants.cpuQuotaUs) && isSet(has.nanoCpus)) cpu("CPU Quota", "NanoCPUs");
  const [memory = 0, swap = 0] = [wants.memoryBytes, has.memorySwapBytes];
  if (swap > 0 && memory > swap && (wants.memorySwapBytes ?? 0) === 0) {
    fail("Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time");
  }
}

/** Limits the running process. */
async function apply(call: Call, engine: Engine, container: Container): Promise<void> {
  const task = await getTask(call, engine, container);
  const facts = {
    host: engine.settings.host,
    blockDevices: await findBlockDevices(blockDevicePaths(container.config)),
  };
  await task.update(call, toOciResources(container.config.resources, facts));
}
