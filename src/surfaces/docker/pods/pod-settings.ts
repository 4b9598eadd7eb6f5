import type { Namespace } from "#core/call.ts";

/** How a kubelet's pods are seen through Docker's socket. */
export type PodSettings = {
  /** Where pods are. */
  readonly namespace: Namespace;
  /**
   * `hidden`: only to who names the namespace, and read-only; `read-only`: beside Docker's own containers; `writable`:
   * the same, and what changes them is done.
   */
  readonly access: "hidden" | "read-only" | "writable";
};

/** Namespaces whose containers a request for `asked` sees, that one first. Pure. */
export function visibleNamespaces(
  { namespace: own, pods }: { readonly namespace: Namespace; readonly pods?: PodSettings },
  asked: Namespace,
): readonly Namespace[] {
  if (pods === undefined || pods.access === "hidden" || asked !== own || pods.namespace === own) return [asked];
  return [asked, pods.namespace];
}
