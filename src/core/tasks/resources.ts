/** Limits of a container; a field left out is no limit (or the kernel's default). */
export type Resources = {
  readonly memoryBytes?: number;
  /** Memory and swap together; -1 is unlimited swap. */
  readonly memorySwapBytes?: number;
  readonly memoryReservationBytes?: number;
  readonly memorySwappiness?: number;
  readonly oomKillDisable?: boolean;
  /** CPU time in billionths of a CPU: 1.5 CPUs = 1_500_000_000. Excludes period and quota. */
  readonly nanoCpus?: number;
  readonly cpuShares?: number;
  readonly cpuPeriodUs?: number;
  readonly cpuQuotaUs?: number;
  readonly cpuRealtimePeriodUs?: number;
  readonly cpuRealtimeRuntimeUs?: number;
  readonly cpusetCpus?: string;
  readonly cpusetMems?: string;
  readonly pidsLimit?: number;
  readonly blkioWeight?: number;
  readonly blkioWeightDevice?: readonly { path: string; weight: number }[];
  readonly blkioReadBps?: readonly { path: string; rate: number }[];
  readonly blkioWriteBps?: readonly { path: string; rate: number }[];
  readonly blkioReadIops?: readonly { path: string; rate: number }[];
  readonly blkioWriteIops?: readonly { path: string; rate: number }[];
  readonly hugepages?: readonly { pageSize: string; limitBytes: number }[];
  /** cgroup v2 files by name. */
  readonly unified?: Readonly<Record<string, string>>;
};
