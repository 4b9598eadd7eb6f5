import type { NodeFacts } from "../host/read-node.ts";
import type { FieldEdit } from "./edit-kubelet-config.ts";
import type { StoreForecast } from "../images/forecast-store.ts";
import type { DrainOptions, Target } from "./step.ts";

/** All that a plan depends on: the same input gives the same plan, to the byte. */
export type PlanInput = {
  readonly facts: NodeFacts;
  readonly target: Target;
  readonly runtime: RuntimeConfig;
  /** Undefined without a Docker. */
  readonly store: StoreFacts | undefined;
  readonly options: PlanOptions;
  /** RFC 3339. */
  readonly madeAt: string;
};

/** What lies in Docker's data root. */
export type StoreFacts = {
  /** Where its images are: the data root, or a directory in it with userns-remap. */
  readonly path: string;
  /** Storage drivers that left images. */
  readonly drivers: readonly string[];
  /** The one whose images are carried; undefined where there are none that can be read. */
  readonly driver: string | undefined;
  /** Names of images. */
  readonly names: readonly string[];
  /** Of all layers, unpacked. */
  readonly layerBytes: number;
  /** What its images will take; undefined where their headers are not there to be read. */
  readonly forecast: StoreForecast | undefined;
  /** Targets whose own data lies on the same filesystem: they take Docker's files instead of copies. */
  readonly besides: readonly Target[];
  /** Containers that no pod owns and that end with Docker. */
  readonly otherContainers: readonly string[];
};

/** What the target's own configuration is to be, and what the kubelet must agree with. */
export type RuntimeConfig = {
  /** As installed, or as it is to be installed: `1.7`, `2.1.4`; undefined where the target has no version of interest. */
  readonly version: string | undefined;
  readonly files: readonly RuntimeFile[];
  readonly kubeletFields: readonly FieldEdit[];
  readonly notes: readonly string[];
};

export type RuntimeFile = {
  readonly path: string;
  readonly content: string;
  readonly mode: number;
  readonly why: string;
  /** What is there now. */
  readonly before: string | undefined;
};

export type PlanOptions = {
  /** `carry` takes images out of the stopped Docker; `none` leaves them to be pulled. */
  readonly images: "carry" | "none";
  /** Null leaves pods where they are, which are then killed. */
  readonly drain: DrainOptions | null;
  /** Image of the pod that proves the node; undefined: the best of those that are there; null: no such pod. */
  readonly smokeImage: string | null | undefined;
  /** How long the node may take to be Ready, and the pod that proves it. */
  readonly nodeTimeoutMs: number;
};

export const defaultPlanOptions: PlanOptions = {
  images: "carry",
  drain: { gracePeriodSeconds: null, timeoutMs: 15 * 60_000, deleteEmptyDirData: false, force: false },
  smokeImage: undefined,
  nodeTimeoutMs: 5 * 60_000,
};
