import type { Call } from "#core/call.ts";
import type { UserNamespace } from "#core/sandboxes/user-namespace.ts";
import type { Mount } from "./mount.ts";

export type MountOptions = {
  /**
   * Whose ids the files have: what is root's on disk is that namespace's root's. Binds are mapped as they are; of an
   * overlay the lower layers are, mounted for a moment at `layers` beside the target, and its upper layer keeps ids as they are outside.
   */
  readonly userNamespace?: UserNamespace;
};

/** Mounts in the daemon's mount namespace. */
export interface Mounter {
  /** Applies `mounts` in order at `target`, an existing directory. On failure none of them is left. @throws failedPrecondition when a filesystem cannot map ids */
  mount(call: Call, mounts: readonly Mount[], target: string, options?: MountOptions): Promise<void>;
  /** Takes away every mount at `target`; lazily when it is busy. Nothing mounted there is a success. */
  unmount(call: Call, target: string): Promise<void>;
  /** Mount points at or below `path`, deepest first. */
  list(path: string): Promise<string[]>;
}
