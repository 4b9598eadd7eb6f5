import { create, fromJson, toJson, type JsonValue as ProtoJson } from "@bufbuild/protobuf";
import type { JsonObject, JsonValue } from "#base/json.ts";
import type { Container } from "#core/containers/container.ts";
import type { Sandbox } from "#core/sandboxes/sandbox.ts";
import { LinuxContainerResourcesSchema, type LinuxContainerResources } from "#gen/runtime/v1/common_pb.ts";
import { MountSchema, type ContainerConfig, type Mount } from "#gen/runtime/v1/containers_pb.ts";
import type { PodSandboxConfig } from "#gen/runtime/v1/sandboxes_pb.ts";
import { NamespaceOptionSchema, type NamespaceOption } from "#gen/runtime/v1/security_pb.ts";

/** What only the kubelet's API knows of a container, as stored under `extensions.cri`. */
export type ContainerRecord = {
  readonly name: string;
  readonly attempt: number;
  /** As the kubelet named it. */
  readonly image: string;
  readonly userSpecifiedImage: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly stopSignal: number;
  /** protobuf's JSON. */
  readonly mounts: JsonValue;
  readonly resources: JsonValue;
};

export function toContainerRecord(config: ContainerConfig): JsonObject {
  const record: ContainerRecord = {
    name: config.metadata?.name ?? "",
    attempt: config.metadata?.attempt ?? 0,
    image: config.image?.image ?? "",
    userSpecifiedImage: config.image?.userSpecifiedImage ?? "",
    labels: config.labels,
    annotations: config.annotations,
    stopSignal: config.stopSignal,
    mounts: config.mounts.map((mount) => toJson(MountSchema, mount)),
    resources: toResourcesJson(config.linux?.resources),
  };
  return { ...record };
}

export function toResourcesJson(resources: LinuxContainerResources | undefined): JsonValue {
  return toJson(LinuxContainerResourcesSchema, resources ?? create(LinuxContainerResourcesSchema));
}

/** Undefined for a container that another surface made. */
export function containerRecord({ extensions }: Container): ContainerRecord | undefined {
  return extensions["cri"] as ContainerRecord | undefined;
}

export function mountsOf({ mounts }: ContainerRecord): Mount[] {
  return Array.isArray(mounts) ? mounts.map((mount) => fromJson(MountSchema, mount)) : [];
}

export function resourcesOf({ resources }: ContainerRecord): LinuxContainerResources {
  return fromJson(LinuxContainerResourcesSchema, resources);
}

export function toSandboxRecord(config: PodSandboxConfig): JsonObject {
  const options = config.linux?.securityContext?.namespaceOptions ?? create(NamespaceOptionSchema);
  return { namespaces: toJson(NamespaceOptionSchema, options) };
}

export function namespaceOptionsOf({ extensions }: Sandbox): NamespaceOption {
  return fromJson(NamespaceOptionSchema, (extensions["cri"]?.["namespaces"] ?? {}) as ProtoJson);
}
