import type { Brand } from "#base/brand.ts";
import type { UnixNs } from "#base/clock.ts";
import type { JsonObject } from "#base/json.ts";
import type { Namespace } from "#core/call.ts";
import type { Labels } from "#core/labels.ts";
import type { PortProtocol } from "#core/networks/network.ts";
import type { IdMappings } from "./user-namespace.ts";

/** 64 hex digits. */
export type SandboxId = Brand<string, "SandboxId">;

/** Who a pod is, by its orchestrator. */
export type PodIdentity = {
  readonly name: string;
  readonly uid: string;
  readonly namespace: string;
  readonly attempt: number;
};

export type PodPort = {
  readonly containerPort: number;
  readonly protocol: PortProtocol;
  readonly hostPort: number;
  readonly hostIp: string;
};

/** What a pod is to be, in our own terms. */
export type SandboxConfig = {
  /** Empty with the host's network. */
  readonly hostname: string;
  readonly linuxNamespaces: {
    readonly network: "pod" | "host";
    readonly ipc: "pod" | "host";
    /** `pod`: one for all containers, which needs a process that holds it. */
    readonly pid: "pod" | "container" | "host";
  };
  /** A user namespace of the pod's own, which its other linux namespaces belong to; left out: the host's. */
  readonly idMappings?: IdMappings;
  readonly sysctls: Readonly<Record<string, string>>;
  readonly ports: readonly PodPort[];
  readonly dns: {
    readonly servers: readonly string[];
    readonly searches: readonly string[];
    readonly options: readonly string[];
  };
  /** Parent of the containers' cgroups: a path, or a slice; empty is the engine's. */
  readonly cgroupParent: string;
  /** Where the containers' logs go; empty is the engine's own place. */
  readonly logDirectory: string;
  readonly privileged: boolean;
};

/**
 * A pod's sandbox and what became of it.
 * ```
 *   creating ──► ready ──► notReady ──► removing ──► (gone)
 * ```
 * `creating` and `removing` are what a crash leaves: recovery takes the first away and finishes the second.
 */
export type Sandbox = {
  readonly id: SandboxId;
  readonly namespace: Namespace;
  /** Unique in the namespace: name, namespace, uid and attempt of the pod. */
  readonly name: string;
  readonly pod: PodIdentity;
  readonly labels: Labels;
  readonly annotations: Labels;
  /** As the pod names it; empty is the default one. */
  readonly runtimeHandler: string;
  readonly config: SandboxConfig;
  readonly state: "creating" | "ready" | "notReady" | "removing";
  /** Addresses, the primary one first; none with the host's network. */
  readonly addresses: readonly string[];
  /** A network was asked for: there is something to take away, however far it got. */
  readonly networked: boolean;
  readonly extensions: Readonly<Record<string, JsonObject>>;
  readonly createdAtNs: UnixNs;
};
