import type { Resources } from "#core/tasks/resources.ts";
import type { LinuxContainerResources } from "#gen/runtime/v1/common_pb.ts";

/** Limits as the kubelet gives them; 0 is "not said". Without a swap limit there is no swap: memory and swap together are the memory limit. Pure. */
export function toResources(linux: LinuxContainerResources | undefined): Resources {
  if (linux === undefined) return {};
  const set = (value: bigint) => (value === 0n ? undefined : Number(value));
  const memoryBytes = set(linux.memoryLimitInBytes);
  const memorySwapBytes = set(linux.memorySwapLimitInBytes) ?? memoryBytes;
  const cpuPeriodUs = set(linux.cpuPeriod);
  const cpuQuotaUs = set(linux.cpuQuota);
  const cpuShares = set(linux.cpuShares);
  return {
    ...(memoryBytes !== undefined && { memoryBytes }),
    ...(memorySwapBytes !== undefined && { memorySwapBytes }),
    ...(cpuPeriodUs !== undefined && { cpuPeriodUs }),
    ...(cpuQuotaUs !== undefined && { cpuQuotaUs }),
    ...(cpuShares !== undefined && { cpuShares }),
    ...(linux.cpusetCpus !== "" && { cpusetCpus: linux.cpusetCpus }),
    ...(linux.cpusetMems !== "" && { cpusetMems: linux.cpusetMems }),
    ...(linux.hugepageLimits.length > 0 && {
      hugepages: linux.hugepageLimits.map(({ pageSize, limit }) => ({ pageSize, limitBytes: Number(limit) })),
    }),
    ...(Object.keys(linux.unified).length > 0 && { unified: linux.unified }),
  };
}
