import type { Brand } from "#base/brand.ts";
import type { UnixNs } from "#base/clock.ts";
import type { JsonObject } from "#base/json.ts";
import type { Namespace } from "#core/call.ts";
import type { Digest } from "#core/content/digest.ts";
import type { Labels } from "#core/labels.ts";
import type { NetworkAttachment } from "#core/networks/network.ts";
import type { SandboxId } from "#core/sandboxes/sandbox.ts";
import type { SnapshotKey } from "#core/snapshots/snapshotter.ts";
import type { ContainerConfig } from "./container-config.ts";
import type { ContainerStatus } from "./container-status.ts";

/** 64 hex digits. */
export type ContainerId = Brand<string, "ContainerId">;

/** The static record and what became of it so far. */
export type Container = {
  readonly id: ContainerId;
  readonly namespace: Namespace;
  /** Unique in the namespace, no slash before it. */
  readonly name: string;
  readonly labels: Labels;
  readonly image: {
    /** As the person wrote it. */
    readonly reference: string;
    /** Of the config: the image's ID. */
    readonly id: Digest;
    /** Of the manifest: kept from garbage collection while the container is there. */
    readonly manifest: Digest;
  };
  readonly snapshotter: string;
  readonly snapshotKey: SnapshotKey;
  readonly runtimeHandler: string;
  /** The pod it lives in. */
  readonly sandboxId?: SandboxId;
  readonly config: ContainerConfig;
  readonly status: ContainerStatus;
  /** Present from attach to detach, so that a crash in between leaks nothing. */
  readonly attachments: readonly NetworkAttachment[];
  /** CRI-format log file; rotated ones beside it. */
  readonly logPath: string;
  /** What only one surface knows of it, under the surface's name: Docker's own JSON of the request, a pod's metadata. */
  readonly extensions: Readonly<Record<string, JsonObject>>;
  readonly createdAtNs: UnixNs;
};
