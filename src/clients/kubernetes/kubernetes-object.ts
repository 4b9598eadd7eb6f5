/** An object as the server wrote it; who asks decodes what it needs. */
export type KubernetesObject = Readonly<Record<string, unknown>>;

/** One page of a list. */
export type ListPage = {
  readonly items: readonly KubernetesObject[];
  /** Version to watch from; the same on all pages of a list. */
  readonly resourceVersion: string;
  /** How many come after this page, where the server knows. */
  readonly remaining: number | undefined;
};

export type WatchEvent = {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK";
  readonly object: KubernetesObject;
};

export type Selectors = {
  /** `app=web,tier!=cache` */
  readonly labelSelector?: string;
  /** `spec.nodeName=node-1` */
  readonly fieldSelector?: string;
};

export type PatchType = "merge" | "strategic" | "json" | "apply";

export type DeleteOptions = {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: "Orphan" | "Background" | "Foreground";
  /** The object is deleted only while it is this one. */
  readonly uid?: string;
};

export function isKubernetesObject(value: unknown): value is KubernetesObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
