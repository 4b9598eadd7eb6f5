import { readFile } from "node:fs/promises";
import { EngineError } from "#base/errors.ts";
import type { HostFacts } from "./oci-spec/spec-facts.ts";

const loadedPath = "/sys/kernel/security/apparmor/profiles";

/**
 * Whether processes can be put under the AppArmor profile `name`.
 *
 * @throws invalidArgument naming it where the kernel has no AppArmor, or the profile is not loaded
 */
export async function checkApparmorProfile({ apparmor }: Pick<HostFacts, "apparmor">, name: string): Promise<void> {
  const refuse = (why: string) =>
    new EngineError("invalidArgument", `AppArmor profile ${JSON.stringify(name)}: ${why}`);
  if (!apparmor) throw refuse("AppArmor is not supported on this machine");
  const loaded = await readLoadedProfiles();
  if (loaded !== undefined && !loaded.includes(name)) throw refuse("not loaded");
}

/** Of those that container engines bring, the first that is loaded. */
export async function findDefaultApparmorProfile(): Promise<string | undefined> {
  const loaded = (await readLoadedProfiles()) ?? [];
  return ["ferry-default", "cri-containerd.apparmor.d", "docker-default"].find((name) => loaded.includes(name));
}

/** A line is `name (mode)`; undefined where they cannot be listed. */
async function readLoadedProfiles(): Promise<string[] | undefined> {
  const text = await readFile(loadedPath, "utf8").catch(() => undefined);
  return text?.split("\n").map((line) => line.replace(/ \(\w+\)$/, ""));
}
