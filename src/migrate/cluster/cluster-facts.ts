import type { Place } from "./place.ts";
import type { PodShape } from "./pod-shape.ts";

export type ObjectRef = { readonly kind: string; readonly namespace?: string; readonly name: string };

/** A pod that exists. */
export type PodRef = {
  readonly namespace: string;
  readonly name: string;
  /** Undefined while it is not scheduled. */
  readonly node: string | undefined;
  readonly phase: string;
};

/** One pod template, or the pods that are like none, with the pods made from it. */
export type Workload = {
  /** The outermost controller that was read; the pod itself where there is none. */
  readonly ref: ObjectRef;
  /** What made `ref` and was not read: a custom resource, mostly. */
  readonly managedBy: ObjectRef | undefined;
  readonly shape: PodShape;
  readonly place: Place;
  /** Of the pod's spec within the object at `place`: `.spec.template.spec`. */
  readonly specPath: string;
  /** `template` of a controller; `pod` with no template known; `static` comes from a file on its node. */
  readonly origin: "template" | "pod" | "static";
  readonly labels: Readonly<Record<string, string>>;
  /** What it wants; undefined where that is no number (DaemonSet, pod). */
  readonly replicas: number | undefined;
  readonly isSuspended: boolean;
  readonly pods: readonly PodRef[];
};

export type NodeFacts = {
  readonly name: string;
  readonly place: Place;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** `v1.23.17` */
  readonly kubelet: string;
  /** `docker://20.10.24` */
  readonly runtime: string;
  readonly os: string;
  readonly osImage: string;
  readonly providerId: string;
  readonly podCidr: string;
  readonly isReady: boolean;
  readonly isUnschedulable: boolean;
  /** Names of images on it, as far as the node tells (50 by default). */
  readonly images: readonly string[];
  /** Those of them without a digest: no registry gave them. */
  readonly localImages: readonly { readonly name: string; readonly path: string }[];
  /** The running kubelet's configuration; undefined where nobody may ask. */
  readonly config: NodeConfig | undefined;
  /** Lines of its kubelet's metrics that matter. */
  readonly metrics: NodeMetrics | undefined;
};

export type NodeConfig = { readonly place: Place; readonly values: Readonly<Record<string, string>> };
export type NodeMetrics = { readonly place: Place; readonly lines: readonly string[] };

/** A text of which lines may matter: an entry of a ConfigMap, a string of a custom resource, a file. */
export type TextFacts = {
  /** Undefined for a file that is no manifest. */
  readonly ref: ObjectRef | undefined;
  readonly place: Place;
  /** Of the text within the object; empty for a file. */
  readonly field: string;
  /** `fluent.conf`, or the file's path. */
  readonly name: string;
  readonly text: string;
};

export type VolumeFacts = {
  readonly name: string;
  readonly place: Place;
  readonly hostPath: string;
  readonly path: string;
  readonly claim: string | undefined;
};
export type ClaimFacts = { readonly namespace: string; readonly name: string; readonly volume: string };
export type ServiceFacts = {
  readonly ref: ObjectRef;
  readonly place: Place;
  readonly ports: readonly { readonly port: number; readonly target: number | undefined; readonly path: string }[];
};
export type BudgetFacts = {
  readonly ref: ObjectRef;
  readonly place: Place;
  readonly selector: Readonly<Record<string, string>>;
  /** Undefined where its status is not known (manifests). */
  readonly disruptionsAllowed: number | undefined;
  readonly minAvailable: string | undefined;
  readonly maxUnavailable: string | undefined;
};
export type RuntimeClassFacts = { readonly name: string; readonly place: Place; readonly handler: string };
export type AccountFacts = {
  readonly namespace: string;
  readonly name: string;
  readonly pullSecrets: readonly string[];
};

/** What could not be read. */
export type Missing = {
  /** `configmaps`, or a file's path. */
  readonly what: string;
  readonly why: string;
  /** What would let it be read: `configmaps: list (core)`. */
  readonly rule?: string;
  /** Nice to have: leaves the report whole. */
  readonly isOptional: boolean;
};

/** A cluster, as far as checks look at it. Sorted by nothing: in the order it was read. */
export type ClusterFacts = {
  readonly origin: {
    readonly server?: string;
    readonly context?: string;
    readonly version?: string;
    readonly directories: readonly string[];
  };
  readonly nodes: readonly NodeFacts[];
  readonly workloads: readonly Workload[];
  readonly podCount: number;
  readonly texts: readonly TextFacts[];
  readonly volumes: readonly VolumeFacts[];
  readonly claims: readonly ClaimFacts[];
  readonly services: readonly ServiceFacts[];
  readonly budgets: readonly BudgetFacts[];
  readonly runtimeClasses: readonly RuntimeClassFacts[];
  readonly accounts: readonly AccountFacts[];
  readonly missing: readonly Missing[];
};
