import type { UnixNs } from "#base/clock.ts";

/** What a task uses, read from its cgroup and its linux network namespace; what a controller does not tell is left out. */
export type TaskStats = {
  readonly readAtNs: UnixNs;
  readonly cpu: {
    readonly usageNs: bigint;
    readonly userNs: bigint;
    readonly systemNs: bigint;
    readonly perCpuNs?: readonly bigint[];
    readonly throttledPeriods: number;
    readonly periods: number;
    readonly throttledNs: bigint;
  };
  readonly memory: {
    readonly usageBytes: number;
    readonly limitBytes: number;
    readonly peakBytes?: number;
    /** As kubelet counts: usage less inactive file pages. */
    readonly workingSetBytes: number;
    readonly rssBytes: number;
    readonly failures?: number;
    /** `memory.stat` as it stands. */
    readonly detail: Readonly<Record<string, number>>;
  };
  readonly pids: { readonly current: number; readonly limit?: number };
  readonly blkio: readonly { major: number; minor: number; op: "read" | "write"; bytes: number; operations: number }[];
  readonly networks: Readonly<
    Record<
      string,
      {
        readonly rxBytes: number;
        readonly rxPackets: number;
        readonly rxErrors: number;
        readonly rxDropped: number;
        readonly txBytes: number;
        readonly txPackets: number;
        readonly txErrors: number;
        readonly txDropped: number;
      }
    >
  >;
  readonly psi?: Readonly<Record<"cpu" | "memory" | "io", { someTotalUs: number; fullTotalUs: number }>>;
};
