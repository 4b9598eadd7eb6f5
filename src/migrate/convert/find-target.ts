import { parseContainerdVersion, type ContainerdVersion } from "../containerd-config/config-version.ts";
import type { HostRoot } from "../host/host-root.ts";
import { readPackages } from "../host/read-packages.ts";
import { readRuntime, runtimeVersion } from "../host/read-runtime.ts";
import type { RunningHost } from "../host/running-host.ts";
import { containerdSpec, type TargetSpec } from "./target-spec.ts";

/** Its configuration version 2 is read by every containerd that is in use. */
const assumedContainerd: ContainerdVersion = { major: 1, minor: 7 };

/**
 * What is written for a host's containerd: of the version that is given, else installed, else 1.7.
 *
 * @throws invalidArgument for a version that cannot be read
 */
export async function containerdSpecFor(
  given: string | undefined,
  root: HostRoot,
  running?: RunningHost,
): Promise<TargetSpec> {
  const packages = await readPackages(root, running);
  const text = given ?? runtimeVersion(await readRuntime({ root, running, packages }, "containerd"));
  return containerdSpec(text === undefined ? assumedContainerd : parseContainerdVersion(text));
}
