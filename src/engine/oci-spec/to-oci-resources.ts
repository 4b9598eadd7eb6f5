import { EngineError } from "#base/errors.ts";
import type { OciResources } from "#core/tasks/oci-spec.ts";
import type { Resources } from "#core/tasks/resources.ts";
import type { SpecFacts } from "./spec-facts.ts";

type Facts = Pick<SpecFacts, "host" | "blockDevices">;

/** Limits as the runtime takes them, without devices; for a new container and for `Task.update`. Pure. */
export function toOciResources(resources: Resources, facts: Facts): Omit<OciResources, "devices"> {
  const memory = toMemory(resources, facts);
  const cpu = toCpu(resources);
  const blockIO = toBlockIO(resources, facts);
  const hugepages = resources.hugepages ?? [];
  return {
    ...(memory !== undefined && { memory }),
    ...(cpu !== undefined && { cpu }),
    ...(blockIO !== undefined && { blockIO }),
    ...(resources.pidsLimit !== undefined && { pids: { limit: resources.pidsLimit > 0 ? resources.pidsLimit : -1 } }),
    ...(hugepages.length > 0 && {
      hugepageLimits: hugepages.map(({ pageSize, limitBytes }) => ({ pageSize, limit: limitBytes })),
    }),
    ...(resources.unified !== undefined && { unified: { ...resources.unified } }),
  };
}

/** As Docker: a memory limit without a swap limit allows the same again as swap. Source: moby daemon/daemon_unix.go. */
function toMemory(resources: Resources, { host }: Facts): OciResources["memory"] {
  const limit = resources.memoryBytes;
  const limited = limit !== undefined && limit > 0;
  const asked = resources.memorySwapBytes ?? 0;
  const swap = asked !== 0 ? asked : limited ? limit * 2 : 0;
  const memory = {
    ...(limit !== undefined && limit !== 0 && { limit }),
    ...(resources.memoryReservationBytes !== undefined && { reservation: resources.memoryReservationBytes }),
    ...(swap !== 0 && host.swapLimit && { swap }),
    ...(resources.memorySwappiness !== undefined &&
      resources.memorySwappiness >= 0 &&
      host.cgroupVersion === 1 && { swappiness: resources.memorySwappiness }),
    ...(resources.oomKillDisable === true && host.cgroupVersion === 1 && { disableOOMKiller: true }),
  };
  return Object.keys(memory).length === 0 ? undefined : memory;
}

function toCpu(resources: Resources): OciResources["cpu"] {
  const period = resources.nanoCpus === undefined ? resources.cpuPeriodUs : 100_000;
  const quota =
    resources.nanoCpus === undefined ? resources.cpuQuotaUs : Math.floor((resources.nanoCpus * 100_000) / 1e9);
  const cpu = {
    ...(resources.cpuShares !== undefined && { shares: resources.cpuShares }),
    ...(quota !== undefined && { quota }),
    ...(period !== undefined && { period }),
    ...(resources.cpuRealtimePeriodUs !== undefined && { realtimePeriod: resources.cpuRealtimePeriodUs }),
    ...(resources.cpuRealtimeRuntimeUs !== undefined && { realtimeRuntime: resources.cpuRealtimeRuntimeUs }),
    ...(resources.cpusetCpus !== undefined && { cpus: resources.cpusetCpus }),
    ...(resources.cpusetMems !== undefined && { mems: resources.cpusetMems }),
  };
  return Object.keys(cpu).length === 0 ? undefined : cpu;
}

function toBlockIO(resources: Resources, facts: Facts): OciResources["blockIO"] {
  const rates = (list: Resources["blkioReadBps"]) =>
    (list ?? []).map(({ path, rate }) => Object.assign(numbersOf(path, facts), { rate }));
  const weights = (resources.blkioWeightDevice ?? []).map(({ path, weight }) =>
    Object.assign(numbersOf(path, facts), { weight }),
  );
  const all = {
    weightDevice: weights,
    throttleReadBpsDevice: rates(resources.blkioReadBps),
    throttleWriteBpsDevice: rates(resources.blkioWriteBps),
    throttleReadIOPSDevice: rates(resources.blkioReadIops),
    throttleWriteIOPSDevice: rates(resources.blkioWriteIops),
  };
  const present = Object.fromEntries(Object.entries(all).filter(([, list]) => list.length > 0));
  const blockIO = { ...(resources.blkioWeight !== undefined && { weight: resources.blkioWeight }), ...present };
  return Object.keys(blockIO).length === 0 ? undefined : blockIO;
}

function numbersOf(path: string, { blockDevices }: Facts): { major: number; minor: number } {
  const numbers = blockDevices.get(path);
  if (numbers === undefined) throw new EngineError("invalidArgument", `${path}: no such block device`);
  return { ...numbers };
}
