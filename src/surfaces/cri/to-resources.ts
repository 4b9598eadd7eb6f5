import { EngineError } from "#base/errors.ts";
import type { Resources } from "#core/tasks/resources.ts";
import type { LinuxContainerResources } from "#gen/runtime/v1/common_pb.ts";

/** Limits as the kubelet gives them; 0 is "not said". Without a swap limit there is no swap: memory and swap together are the memory limit. Pure. @throws invalidArgument */
export function toResources(linux: LinuxContainerResources | undefined): Resources {
  if (linux === undefined) return {};
  const memoryBytes = limit("memory_limit_in_bytes", linux.memoryLimitInBytes);
  const memorySwapBytes = limit("memory_swap_limit_in_bytes", linux.memorySwapLimitInBytes) ?? memoryBytes;
  const cpuPeriodUs = limit("cpu_period", linux.cpuPeriod);
  const cpuQuotaUs = limit("cpu_quota", linux.cpuQuota);
  const cpuShares = limit("cpu_shares", linux.cpuShares);
  checkNames(linux);
  return {
    ...(memoryBytes !== undefined && { memoryBytes }),
    ...(memorySwapBytes !== undefined && { memorySwapBytes }),
    ...(cpuPeriodUs !== undefined && { cpuPeriodUs }),
    ...(cpuQuotaUs !== undefined && { cpuQuotaUs }),
    ...(cpuShares !== undefined && { cpuShares }),
    ...(linux.cpusetCpus !== "" && { cpusetCpus: linux.cpusetCpus }),
    ...(linux.cpusetMems !== "" && { cpusetMems: linux.cpusetMems }),
    ...(linux.hugepageLimits.length > 0 && {
      hugepages: linux.hugepageLimits.map(({ pageSize, limit }) => ({ pageSize, limitBytes: atMostExact(limit) })),
    }),
    ...(Object.keys(linux.unified).length > 0 && { unified: linux.unified }),
  };
}

/** -1 is "no limit", and so is what is more than any machine has. */
function limit(name: string, value: bigint): number | undefined {
  if (value < -1n) throw new EngineError("invalidArgument", `resources: ${name}: ${value}`);
  return value === 0n ? undefined : atMostExact(value);
}

function atMostExact(value: bigint): number {
  return Math.min(Number(value), Number.MAX_SAFE_INTEGER);
}

/** They become parts of file names in the cgroup. */
function checkNames({ hugepageLimits, unified }: LinuxContainerResources): void {
  const wrong = [
    ...hugepageLimits.map(({ pageSize }) => pageSize).filter((size) => !/^\d+[KMGT]?B$/.test(size)),
    ...Object.keys(unified).filter((key) => !/^[a-z]\w*(\.\w+)+$/.test(key)),
  ];
  if (wrong.length > 0) throw new EngineError("invalidArgument", `resources: ${JSON.stringify(wrong[0])}: not known`);
}
