import type { Duplex } from "node:stream";
import type { Call } from "#core/call.ts";
import type { IdMappings } from "./user-namespace.ts";

export type PodNamespaceKind = "network" | "ipc" | "uts" | "user";

export type PodNamespacesSpec = {
  readonly kinds: readonly PodNamespaceKind[];
  /** Set in the `uts` one. */
  readonly hostname: string;
  /** Set within the new namespaces; a key that is not there fails. */
  readonly sysctls: Readonly<Record<string, string>>;
  /** Of the `user` one, which owns the others; there with that kind only. */
  readonly mappings?: IdMappings;
};

/** Linux namespaces of pods that live without a process: pinned by bind mounts, loopback up, sysctls set. */
export interface PodNamespaces {
  /** @throws alreadyExists @throws invalidArgument for a sysctl that the kernel refuses */
  create(call: Call, name: string, spec: PodNamespacesSpec): Promise<void>;
  /** Idempotent. */
  delete(call: Call, name: string): Promise<void>;
  /** Path of a pin, whether it is there or not. */
  pathOf(name: string, kind: PodNamespaceKind): string;
  /** Whether all of `kinds` are pinned: after a reboot they are not. */
  has(name: string, kinds: readonly PodNamespaceKind[]): Promise<boolean>;
  list(): Promise<string[]>;
  /**
   * A TCP connection to `port` on the loopback of the network namespace; half of it may be closed.
   * @throws unavailable when nobody listens there
   */
  connect(call: Call, name: string, port: number): Promise<Duplex>;
}
