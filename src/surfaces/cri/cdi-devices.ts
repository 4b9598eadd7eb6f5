import { EngineError } from "#base/errors.ts";
import type { ContainerConfig } from "#gen/runtime/v1/containers_pb.ts";

const annotationPrefix = "cdi.k8s.io/";

/**
 * Full names of the described devices that a container asks for: in the field, and in annotations, where kubelets before
 * 1.27 have them. Pure.
 *
 * Source: container-device-interface, pkg/cdi/annotations.go.
 *
 * @throws invalidArgument for an annotation that is no list of full names
 */
export function cdiDevices({ CDIDevices, annotations }: Pick<ContainerConfig, "CDIDevices" | "annotations">): string[] {
  const named = CDIDevices.map(({ name }) => name);
  const annotated = Object.entries(annotations).flatMap(([key, value]) =>
    key.startsWith(annotationPrefix) ? value.split(",").map((name) => checked(key, name)) : [],
  );
  return [...new Set([...named, ...annotated])];
}

function checked(key: string, name: string): string {
  if (/^[\w.-]+\/[\w.-]+=[\w.:-]+$/.test(name)) return name;
  throw new EngineError("invalidArgument", `annotation ${key}: ${JSON.stringify(name)} is no vendor/class=name`);
}
