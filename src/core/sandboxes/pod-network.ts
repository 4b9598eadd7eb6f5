import type { Call } from "#core/call.ts";
import type { Labels } from "#core/labels.ts";
import type { PodIdentity, PodPort } from "./sandbox.ts";

export type PodAttachment = {
  readonly sandboxId: string;
  /** Empty when it has gone; detaching bears that. */
  readonly linuxNamespacePath: string;
  readonly pod: PodIdentity;
  readonly ports: readonly PodPort[];
  readonly annotations: Labels;
  readonly cgroupParent: string;
  readonly dns: {
    readonly servers: readonly string[];
    readonly searches: readonly string[];
    readonly options: readonly string[];
  };
};

/** The network of a cluster's pods, whoever set it up. */
export interface PodNetwork {
  /** Addresses of the pod's interface, the primary one first. On failure nothing is left. @throws unavailable when {@link problem} */
  attach(call: Call, attachment: PodAttachment): Promise<readonly string[]>;
  /** Idempotent; does with what is known, also when the configuration has gone. */
  detach(call: Call, attachment: PodAttachment): Promise<void>;
  /** Why no pod can be attached now; undefined when one can. */
  problem(): Promise<string | undefined>;
}
