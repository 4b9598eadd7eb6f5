import { shellWord } from "#base/shell-word.ts";
import type { Workload } from "../cluster/cluster-facts.ts";

type PatchOperation = {
  readonly op: "test" | "replace" | "remove" | "add";
  /** Within the pod's spec: `.volumes[2].hostPath.path`. */
  readonly path: string;
  readonly value?: unknown;
};

/**
 * A `kubectl patch` of a workload's pod template. Undefined where there is nothing to patch: a pod's spec cannot be
 * changed, and a manifest is changed in its file.
 */
export function patchCommand(
  { ref, place, specPath, origin }: Pick<Workload, "ref" | "place" | "specPath" | "origin">,
  operations: readonly PatchOperation[],
): string | undefined {
  if (place.t !== "api" || origin !== "template") return undefined;
  const patch = operations.map(({ op, path, value }) => ({
    op,
    path: pointerOf(`${specPath}${path}`),
    ...(value === undefined ? {} : { value }),
  }));
  const namespace = ref.namespace === undefined ? "" : ` -n ${shellWord(ref.namespace)}`;
  return `kubectl${namespace} patch ${ref.kind.toLowerCase()} ${shellWord(ref.name)} --type=json -p ${shellWord(JSON.stringify(patch))}`;
}

/** `.spec.volumes[2].hostPath` as RFC 6901 has it: `/spec/volumes/2/hostPath`. */
function pointerOf(path: string): string {
  const parts = path.matchAll(/\.([^.[\]]+)|\['([^']*)'\]|\[(\d+)\]/g);
  return [...parts]
    .map(([, member, quoted, index]) => (member ?? quoted ?? index ?? "").replaceAll("~", "~0").replaceAll("/", "~1"))
    .map((part) => `/${part}`)
    .join("");
}
