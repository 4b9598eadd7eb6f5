import type { KeyedLock } from "#base/keyed-lock.ts";
import type { Limiter } from "#base/limiter.ts";
import type { ContainerStore } from "#core/containers/container-store.ts";
import type { ContentStore } from "#core/content/content-store.ts";
import type { DeviceCatalog } from "#core/devices/device-catalog.ts";
import type { EventBus } from "#core/events/event-bus.ts";
import type { GarbageSchedule } from "#core/garbage/garbage-schedule.ts";
import type { ReferenceGraph } from "#core/garbage/reference-graph.ts";
import type { ImageStore } from "#core/images/image-store.ts";
import type { Platform } from "#core/images/platform.ts";
import type { LayerApplier, LayerLimits } from "#core/layers/layer-applier.ts";
import type { TreeArchiver } from "#core/layers/tree-archiver.ts";
import type { LeaseStore } from "#core/leases/lease-store.ts";
import type { Mounter } from "#core/mounts/mounter.ts";
import type { RootFiles } from "#core/mounts/root-files.ts";
import type { LinuxNamespaces } from "#core/networks/linux-namespaces.ts";
import type { NameService } from "#core/networks/name-service.ts";
import type { NetworkDriver } from "#core/networks/network-driver.ts";
import type { NetworkStore } from "#core/networks/network-store.ts";
import type { Registry } from "#core/registry/registry.ts";
import type { PodNamespaces } from "#core/sandboxes/pod-namespaces.ts";
import type { PodNetwork } from "#core/sandboxes/pod-network.ts";
import type { SandboxStore } from "#core/sandboxes/sandbox-store.ts";
import type { Snapshotter } from "#core/snapshots/snapshotter.ts";
import type { Runtime } from "#core/tasks/runtime.ts";
import type { VolumeStore } from "#core/volumes/volume-store.ts";
import type { BlobFlights } from "./images/blob-flights.ts";
import type { DocumentCache } from "./images/document-cache.ts";
import type { ExecRegistry } from "./exec-registry.ts";
import type { HostFacts } from "./oci-spec/spec-facts.ts";
import type { SandboxImage } from "./sandbox-image.ts";
import type { Supervisor } from "./supervisor.ts";

/** What the operator chose, decoded once at start. */
export type EngineSettings = {
  /** Platform of this machine: what a pull takes from an index. */
  readonly platform: Platform;
  /** Directory for what must outlive a reboot; `containers/<namespace>/<id>/` below it holds logs and mounted files. */
  readonly rootDirectory: string;
  /** Directory that a reboot clears. */
  readonly stateDirectory: string;
  readonly defaultSnapshotter: string;
  readonly layerLimits: LayerLimits;
  /** Rotation of container logs where a container does not say. */
  readonly log: { readonly maxBytes: number; readonly maxFiles: number };
  /** Parent cgroup of containers that name none. */
  readonly cgroupParent: string;
  /** Read once at start. */
  readonly host: HostFacts;
  /** Binary of the host that becomes pid 1 of containers that ask for an init; undefined: there is none. */
  readonly initPath?: string;
};

/**
 * The nouns that use cases work on. Each use case names the ones it needs (`Pick<Engine, "images" | "content">`);
 * `daemon/compose.ts` makes the whole.
 */
export type Engine = {
  readonly settings: EngineSettings;
  readonly content: ContentStore;
  readonly images: ImageStore;
  readonly leases: LeaseStore;
  readonly graph: ReferenceGraph;
  /** Told when something that keeps content or snapshots is gone. */
  readonly garbage: GarbageSchedule;
  readonly snapshotters: ReadonlyMap<string, Snapshotter>;
  readonly layers: LayerApplier;
  readonly archiver: TreeArchiver;
  readonly mounter: Mounter;
  readonly rootFiles: RootFiles;
  readonly registry: Registry;
  readonly runtime: Runtime;
  readonly containers: ContainerStore;
  readonly networks: NetworkStore;
  readonly networkDriver: NetworkDriver;
  readonly linuxNamespaces: LinuxNamespaces;
  readonly names: NameService;
  readonly volumes: VolumeStore;
  readonly devices: DeviceCatalog;
  readonly sandboxes: SandboxStore;
  readonly podNamespaces: PodNamespaces;
  readonly podNetwork: PodNetwork;
  readonly sandboxImage: SandboxImage;
  readonly events: EventBus;
  readonly locks: KeyedLock;
  /** Layers on their way at a time, all pulls together. */
  readonly downloads: Limiter;
  /** Blobs on their way, so that two pulls of one layer are one download. */
  readonly blobFlights: BlobFlights;
  readonly documents: DocumentCache;
  readonly execs: ExecRegistry;
  readonly supervisor: Supervisor;
};
