import type { Call } from "#core/call.ts";

/**
 * Linux network namespaces that live without a process: pinned by a bind mount, loopback up. Disposing takes away what
 * holds the pins where there are none left.
 */
export interface LinuxNamespaces extends AsyncDisposable {
  /** Makes one named `name`; answers its path. @throws alreadyExists */
  createNetwork(call: Call, name: string): Promise<string>;
  /** Idempotent. */
  deleteNetwork(call: Call, name: string): Promise<void>;
  /** Path of the one named `name`, whether it is there or not. */
  pathOf(name: string): string;
  /** Names of those that are there. */
  listNetwork(): Promise<string[]>;
}
