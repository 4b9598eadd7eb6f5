import type { PlanInput } from "./plan-input.ts";
import { parseVersion } from "./program-version.ts";

/** Docker's namespace in containerd. Source: moby daemon/config/config.go, DefaultContainersNamespace. */
export const dockerNamespace = "moby";

/**
 * Whether Docker keeps its images in containerd: where it was told so, and from 29 on where no storage driver has any.
 *
 * Source: moby v29 daemon/image_store_choice.go
 */
export function hasImagesInContainerd({ facts: { docker }, store }: PlanInput): boolean {
  if (store === undefined || store.drivers.length > 0) return false;
  const told = docker?.settings.features?.value["containerd-snapshotter"];
  return told ?? (parseVersion(docker?.version?.value ?? "")?.major ?? 0) >= 29;
}
