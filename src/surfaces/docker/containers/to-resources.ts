import { EngineError } from "#base/errors.ts";
import type { JsonReader } from "#base/json-reader.ts";
import type { Resources } from "#core/tasks/resources.ts";
import { maxItems, readInteger } from "./host-config-shape.ts";

const minMemoryBytes = 6 * 1024 * 1024;

/**
 * Limits of a HostConfig or an update; what is 0 or absent is left out.
 *
 * @throws invalidArgument for combinations that Docker refuses, with its texts
 */
export function toResources(host: JsonReader): Resources {
  checkMemory(host);
  checkCpu(host);
  const pidsLimit = readInteger(host.at("PidsLimit"));
  return {
    ...numbers(host, {
      Memory: "memoryBytes",
      MemorySwap: "memorySwapBytes",
      MemoryReservation: "memoryReservationBytes",
      NanoCpus: "nanoCpus",
      CpuShares: "cpuShares",
      CpuPeriod: "cpuPeriodUs",
      CpuQuota: "cpuQuotaUs",
      CpuRealtimePeriod: "cpuRealtimePeriodUs",
      CpuRealtimeRuntime: "cpuRealtimeRuntimeUs",
      BlkioWeight: "blkioWeight",
    }),
    ...texts(host, { CpusetCpus: "cpusetCpus", CpusetMems: "cpusetMems" }),
    ...swappiness(host),
    ...(host.at("OomKillDisable").boolean() ? { oomKillDisable: true } : {}),
    ...(pidsLimit > 0 ? { pidsLimit } : {}),
    ...weights(host),
    ...rates(host, {
      BlkioDeviceReadBps: "blkioReadBps",
      BlkioDeviceWriteBps: "blkioWriteBps",
      BlkioDeviceReadIOps: "blkioReadIops",
      BlkioDeviceWriteIOps: "blkioWriteIops",
    }),
  };
}

/** Source: moby daemon/daemon_unix.go, verifyPlatformContainerResources. */
function checkMemory(host: JsonReader): void {
  const memory = readInteger(host.at("Memory"));
  const swap = readInteger(host.at("MemorySwap"));
  const reservation = readInteger(host.at("MemoryReservation"));
  const swappiness = host.at("MemorySwappiness").optionalNumber();
  if (memory !== 0 && memory < minMemoryBytes) throw bad("Minimum memory limit allowed is 6MB");
  if (memory > 0 && swap > 0 && swap < memory) {
    throw bad("Minimum memoryswap limit should be larger than memory limit, see usage");
  }
  if (memory === 0 && swap > 0) {
    throw bad("You should always set the Memory limit when using Memoryswap limit, see usage");
  }
  if (swappiness !== undefined && (swappiness < -1 || swappiness > 100)) {
    throw bad(`Invalid value: ${swappiness}, valid memory swappiness range is 0-100`);
  }
  if (reservation > 0 && reservation < minMemoryBytes) throw bad("Minimum memory reservation allowed is 6MB");
  if (memory > 0 && reservation > 0 && memory < reservation) {
    throw bad("Minimum memory limit can not be less than memory reservation limit, see usage");
  }
}

function checkCpu(host: JsonReader): void {
  const [nano, period, quota] = ["NanoCpus", "CpuPeriod", "CpuQuota"].map((name) => readInteger(host.at(name)));
  if (nano && period) throw bad("Conflicting options: Nano CPUs and CPU Period cannot both be set.");
  if (nano && quota) throw bad("Conflicting options: Nano CPUs and CPU Quota cannot both be set.");
  if ((nano ?? 0) < 0) throw bad("Range of CPUs is from 0.01 to the number of CPUs");
  if (period && (period < 1000 || period > 1_000_000)) {
    throw bad("CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)");
  }
  if (quota && quota > 0 && quota < 1000) throw bad("CPU cfs quota can not be less than 1ms (i.e. 1000)");
  const weight = readInteger(host.at("BlkioWeight"));
  if (weight !== 0 && (weight < 10 || weight > 1000)) {
    throw bad("Range of blkio weight is from 10 to 1000");
  }
}

function swappiness(host: JsonReader): Pick<Resources, "memorySwappiness"> {
  const value = host.at("MemorySwappiness").optionalNumber();
  return value === undefined || value < 0 ? {} : { memorySwappiness: value };
}

function numbers<K extends keyof Resources>(host: JsonReader, names: Readonly<Record<string, K>>) {
  const found = Object.entries(names).map(([theirs, ours]) => [ours, readInteger(host.at(theirs))] as const);
  return Object.fromEntries(found.filter(([, value]) => value !== 0)) as { [P in K]?: number };
}

function texts<K extends keyof Resources>(host: JsonReader, names: Readonly<Record<string, K>>) {
  const found = Object.entries(names).map(([theirs, ours]) => [ours, host.at(theirs).optionalString() ?? ""] as const);
  return Object.fromEntries(found.filter(([, value]) => value !== "")) as { [P in K]?: string };
}

function weights(host: JsonReader): Pick<Resources, "blkioWeightDevice"> {
  const devices = host.at("BlkioWeightDevice").list(maxItems);
  if (devices.length === 0) return {};
  return {
    blkioWeightDevice: devices.map((device) => ({
      path: device.at("Path").string(),
      weight: readInteger(device.at("Weight")),
    })),
  };
}

function rates<K extends keyof Resources>(host: JsonReader, names: Readonly<Record<string, K>>) {
  const found = Object.entries(names).map(([theirs, ours]) => {
    const devices = host.at(theirs).list(maxItems);
    const list = devices.map((device) => ({ path: device.at("Path").string(), rate: readInteger(device.at("Rate")) }));
    return [ours, list] as const;
  });
  return Object.fromEntries(found.filter(([, list]) => list.length > 0)) as {
    [P in K]?: { path: string; rate: number }[];
  };
}

function bad(message: string): EngineError {
  return new EngineError("invalidArgument", message);
}
