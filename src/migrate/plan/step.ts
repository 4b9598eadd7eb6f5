import type { PackageManager } from "../host/read-os.ts";

/** Which runtime a node moves to. */
export const targets = ["ferry", "containerd", "cri-dockerd"] as const;
export type Target = (typeof targets)[number];

/**
 * What a step does. Everything is decided when the plan is made: paths, whole texts, unit names; an executor looks at the
 * machine to check and to prove, not to decide.
 */
export type StepAction =
  /** Refuses early: tools, space, versions, connectivity. */
  | { readonly kind: "preflight"; readonly require: readonly Requirement[] }
  /** Keeps byte-for-byte copies of files (absent ones are noted as absent) and the state of units, for rollback. */
  | { readonly kind: "snapshot"; readonly paths: readonly string[]; readonly units: readonly string[] }
  /** `driver` is the storage driver whose images are meant: a data root may hold those of several. */
  | { readonly kind: "carry-images"; readonly dataRoot: string; readonly driver: string; readonly to: Target }
  /** Images that Docker keeps in this containerd, in the namespace `from`, are named for the kubelet. */
  | { readonly kind: "share-images"; readonly endpoint: string; readonly from: string }
  | { readonly kind: "install-packages"; readonly manager: PackageManager; readonly packages: readonly string[] }
  | { readonly kind: "write-files"; readonly files: readonly FileChange[] }
  /** Loads modules now; a `write-files` step keeps them for the next boot. */
  | { readonly kind: "load-modules"; readonly modules: readonly string[] }
  | { readonly kind: "set-sysctls"; readonly values: Readonly<Record<string, string>> }
  | { readonly kind: "cordon"; readonly node: string }
  | { readonly kind: "drain"; readonly node: string; readonly drain: DrainOptions }
  /** `daemon-reload` first, then each unit in order. */
  | { readonly kind: "set-units"; readonly units: readonly UnitState[] }
  /** Pods are taken down through the runtime that made them, so that CNI DEL and port rules run. */
  | {
      readonly kind: "remove-pods";
      readonly through: "docker";
      readonly endpoint: string;
      readonly cni: CniDirectories;
    }
  | { readonly kind: "remove-pods"; readonly through: "cri"; readonly endpoint: string }
  /**
   * The runtime answers on its CRI socket (`unix:///run/containerd/containerd.sock`) and calls itself ready. Behind the step
   * that starts it, before the kubelet's start: its undo takes down the pods that were given to it since, through it.
   */
  | { readonly kind: "wait-for-runtime"; readonly endpoint: string; readonly timeoutMs: number }
  | { readonly kind: "annotate-node"; readonly node: string; readonly key: string; readonly value: string | null }
  /** Node Ready and its `containerRuntimeVersion` beginning with `runtimePrefix` (`containerd://`). */
  | {
      readonly kind: "wait-for-node";
      readonly node: string;
      readonly runtimePrefix: string;
      readonly timeoutMs: number;
    }
  /** A pod bound to the node that must run, answer exec and write a log line, and is removed again. */
  | { readonly kind: "smoke-pod"; readonly node: string; readonly image: string; readonly timeoutMs: number }
  | { readonly kind: "uncordon"; readonly node: string }
  /** What Docker leaves in the kernel: `docker0`, chains, stale leases, dockershim's directories. */
  | { readonly kind: "sweep-residue"; readonly items: readonly Residue[] }
  /** The point of no return; never part of `apply`, only of `purge`. */
  | {
      readonly kind: "purge";
      readonly manager: PackageManager;
      readonly packages: readonly string[];
      readonly paths: readonly string[];
    };

export type StepKind = StepAction["kind"];

/** Where dockershim has its network's parts, by the kubelet's `--cni-conf-dir`, `--cni-bin-dir` and `--cni-cache-dir`. */
export type CniDirectories = {
  readonly config: string;
  /** Looked through in this order. */
  readonly plugins: readonly string[];
  readonly cache: string;
};

export type Step = StepAction & {
  /** Unique in its plan and stable: `08-stop-docker`. */
  readonly id: string;
  /** `Stop Docker for good` */
  readonly title: string;
  /** One sentence: why this, and why here in the order. */
  readonly why: string;
};

export type Requirement =
  | { readonly t: "root" }
  | { readonly t: "command"; readonly name: string }
  | { readonly t: "free-space"; readonly path: string; readonly bytes: number; readonly inodes: number }
  | { readonly t: "api"; readonly node: string }
  /** The file is as it was when the plan was made; null when it was absent. */
  | { readonly t: "unchanged"; readonly path: string; readonly sha256: string | null };

export type FileChange = {
  readonly path: string;
  /** Whole new text; null removes the file. */
  readonly content: string | null;
  /** `0o644`; an existing file keeps its own where this is undefined. */
  readonly mode?: number;
  /** Of the text the plan was made from; null when the file was absent. `apply` refuses another one. */
  readonly expectSha256: string | null;
  /** One line for the plan's display. */
  readonly why: string;
};

export type UnitState = {
  readonly name: string;
  readonly active: boolean;
  readonly enabled?: boolean;
  readonly restart?: true;
};

export type DrainOptions = {
  readonly gracePeriodSeconds: number | null;
  readonly timeoutMs: number;
  /** Evicts pods with emptyDir volumes too: their data is lost. */
  readonly deleteEmptyDirData: boolean;
  /** Takes bare pods too, which nothing brings back. */
  readonly force: boolean;
};

export type Residue =
  | { readonly t: "link"; readonly name: string }
  | { readonly t: "chain"; readonly table: "nat" | "filter"; readonly name: string }
  | { readonly t: "path"; readonly path: string };

/** One node's move, as shown, saved and given to `apply`. */
export type Plan = {
  readonly version: 1;
  readonly node: string;
  readonly target: Target;
  /** RFC 3339. */
  readonly madeAt: string;
  /** Of kubelet and runtimes as they were when the plan was made. */
  readonly from: { readonly kubelet: string; readonly runtime: string; readonly layout: string };
  readonly steps: readonly Step[];
  /** What the reader must know or decide; shown before the steps. */
  readonly notes: readonly string[];
};
