import type { Call } from "#core/call.ts";
import type { Mount } from "./mount.ts";

/** Mounts in the daemon's mount namespace. */
export interface Mounter {
  /** Applies `mounts` in order at `target`, an existing directory. On failure none of them is left. */
  mount(call: Call, mounts: readonly Mount[], target: string): Promise<void>;
  /** Takes away every mount at `target`; lazily when it is busy. Nothing mounted there is a success. */
  unmount(call: Call, target: string): Promise<void>;
  /** Mount points at or below `path`, deepest first. */
  list(path: string): Promise<string[]>;
}
