import type { Mount } from "#core/mounts/mount.ts";

export type OverlayTrees = {
  readonly readOnly: boolean;
  readonly upper: string;
  readonly work: string;
  /** Nearest first. */
  readonly lowers: readonly string[];
};

/** The mounts that show a snapshot: a bind mount where there is one tree, an overlay of more. */
export function overlayMounts({ readOnly, upper, work, lowers }: OverlayTrees): Mount[] {
  const [nearest, ...others] = lowers;
  if (nearest === undefined) return [bind(upper, readOnly ? "ro" : "rw")];
  if (!readOnly) return [overlay([`workdir=${work}`, `upperdir=${upper}`, `lowerdir=${lowers.join(":")}`])];
  return others.length === 0 ? [bind(nearest, "ro")] : [overlay(["ro", `lowerdir=${lowers.join(":")}`])];
}

function bind(source: string, access: "ro" | "rw"): Mount {
  return { type: "bind", source, options: [access, "rbind"] };
}

/** `index=off`: with the index, a tree that is mounted in two places at a time is refused. */
function overlay(options: string[]): Mount {
  return { type: "overlay", source: "overlay", options: ["index=off", ...options] };
}
