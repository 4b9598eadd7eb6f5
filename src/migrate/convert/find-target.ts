import { EngineError } from "#base/errors.ts";
import type { HostRoot } from "../host/host-root.ts";
import { readPackages } from "../host/read-packages.ts";
import type { RunningHost } from "../host/running-host.ts";
import { containerdSpec, parseContainerdVersion, type ContainerdVersion } from "./target-spec.ts";

/**
 * The containerd of a host: as it says itself, else as its package is called; undefined when neither is there.
 *
 * `containerd.io` is Docker's package of it.
 */
export async function findContainerdVersion(
  root: HostRoot,
  running?: RunningHost,
): Promise<ContainerdVersion | undefined> {
  const said = await running?.ask(["containerd", "--version"]);
  // containerd github.com/containerd/containerd/v2 v2.1.4 <revision>
  const own = said?.trim().split(/\s+/)[2];
  const packages = await readPackages(root, running);
  const packaged = packages.find("containerd.io") ?? packages.find("containerd");
  const text = own ?? packaged?.value;
  return text === undefined ? undefined : parseContainerdVersion(text);
}

/** The oldest containerd in use reads configuration version 2, and so do all after it. */
export const assumedContainerd: ContainerdVersion = { major: 1, minor: 7 };

/** @throws invalidArgument for a version that cannot be read */
export async function containerdSpecFor(
  given: string | undefined,
  root: HostRoot,
  running?: RunningHost,
): Promise<ReturnType<typeof containerdSpec>> {
  if (given === undefined) return containerdSpec((await findContainerdVersion(root, running)) ?? assumedContainerd);
  if (given === "") throw new EngineError("invalidArgument", "containerd version: empty");
  return containerdSpec(parseContainerdVersion(given));
}
