import type { Mount } from "#core/mounts/mount.ts";

/** Shows a directory as it is. */
export function bindMount(source: string, access: "ro" | "rw"): Mount {
  return { type: "bind", source, options: [access, "rbind"] };
}
