import { EngineError } from "#base/errors.ts";
import type { Mount } from "#core/mounts/mount.ts";
import type { LayerTarget } from "#core/snapshots/snapshotter.ts";

/** Mount options under which a layer's tree is not the plain one: other names for xattrs, other owners. */
const foreign = /^(?:userxattr|uidmap=|gidmap=|redirect_dir=(?:on|follow)|metacopy=on)/;

/**
 * Where a layer's files go, from the mounts of an extraction snapshot of containerd's `overlayfs`: a lowest layer's is a
 * bind mount, of others it is the upper directory. containerd's own diff service reads the mounts in the same way.
 *
 * Source: containerd snapshots/overlay/overlay.go, diff/apply/apply_linux.go.
 * @throws failedPrecondition for mounts of another kind
 */
export function extractionTarget(mounts: readonly Mount[]): LayerTarget {
  const [mount, ...others] = mounts;
  if (mount === undefined || others.length > 0) throw unknown(mounts);
  const { type, source, options } = mount;
  if (type === "bind" && source.startsWith("/")) return { directory: source, whiteouts: "overlay", parents: [] };
  const valueOf = (name: string) => options.find((one) => one.startsWith(`${name}=`))?.slice(name.length + 1);
  const [directory, lower] = [valueOf("upperdir"), valueOf("lowerdir")];
  if (type !== "overlay" || directory === undefined || lower === undefined) throw unknown(mounts);
  // A colon in a name of theirs would be escaped, and is left to containerd.
  if (options.some((one) => foreign.test(one)) || lower.includes("\\")) throw unknown(mounts);
  return { directory, whiteouts: "overlay", parents: lower.split(":") };
}

function unknown(mounts: readonly Mount[]): EngineError {
  const text = mounts.map(({ type, options }) => `${type} (${options.join()})`).join("; ");
  return new EngineError("failedPrecondition", `extraction snapshot: mounts that are not known here: ${text}`);
}
