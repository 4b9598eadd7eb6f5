import type { JsonObject, JsonValue } from "#base/json.ts";
import type { Descriptor } from "#core/content/descriptor.ts";
import type { ImageDefaults, ImageHealthcheck } from "#core/images/image-config.ts";
import { encodeDescriptor } from "#core/images/manifest.ts";
import type { InspectedImage } from "#engine/inspect-image.ts";
import type { ImageSummary } from "#engine/list-images.ts";
import { goTime } from "../go-time.ts";

/** One line of `docker images`. Source: moby api/types/image/summary.go. */
export function toImageSummary(image: ImageSummary, api: number): JsonObject {
  const isBare = image.repoTags.length === 0 && image.repoDigests.length === 0;
  const placeholders = api < 43 && isBare;
  return {
    Id: image.id,
    ParentId: "",
    RepoTags: placeholders ? ["<none>:<none>"] : [...image.repoTags],
    RepoDigests: placeholders ? ["<none>@<none>"] : [...image.repoDigests],
    Created: Number((image.createdAtNs ?? 0n) / 1_000_000_000n),
    Size: image.sizeBytes,
    SharedSize: -1,
    ...(api < 44 ? { VirtualSize: image.sizeBytes } : {}),
    Labels: Object.keys(image.labels).length === 0 ? null : { ...image.labels },
    Containers: -1,
    ...(api < 48 ? {} : { Descriptor: toDescriptor(image.target) }),
  };
}

/** `docker image inspect`. Source: moby api/types/image/image_inspect.go and the router's compatibility fields. */
export function toImageInspect(image: InspectedImage, snapshotter: string, api: number): JsonObject {
  const { config } = image;
  const old = (key: string, value: string): JsonObject => (api < 52 || value !== "" ? { [key]: value } : {});
  return {
    Id: image.id,
    RepoTags: [...image.repoTags],
    RepoDigests: [...image.repoDigests],
    ...old("Parent", ""),
    ...old("Comment", config.comment ?? ""),
    Created: config.created ?? "0001-01-01T00:00:00Z",
    ...(api < 45 ? { Container: "", ContainerConfig: legacyConfig(undefined) } : {}),
    ...old("DockerVersion", config.dockerVersion ?? ""),
    ...old("Author", config.author ?? ""),
    Config: toImageConfig(config.config, api),
    Architecture: config.platform.architecture,
    ...(config.platform.variant === undefined ? {} : { Variant: config.platform.variant }),
    Os: config.platform.os,
    Size: image.sizeBytes,
    ...(api < 44 ? { VirtualSize: image.sizeBytes } : {}),
    ...(api < 52 ? { GraphDriver: { Data: null, Name: snapshotter } } : {}),
    RootFS: { Type: "layers", Layers: [...config.diffIds] },
    Metadata: { LastTagTime: goTime(image.lastTaggedAtNs) },
    ...(api < 48 ? {} : { Descriptor: toDescriptor(image.target) }),
  };
}

/** `docker history`: the newest first. Source: moby api/types/image/history_response_item.go. */
export function toHistory(image: InspectedImage): JsonObject[] {
  return image.history
    .map((entry, at): JsonObject => {
      const isTop = at === image.history.length - 1;
      return {
        Id: isTop ? image.id : "<missing>",
        Created: Math.trunc(Date.parse(entry.created ?? "") / 1000) || 0,
        CreatedBy: entry.createdBy,
        Tags: isTop && image.repoTags.length > 0 ? [...image.repoTags] : null,
        Size: entry.sizeBytes,
        Comment: entry.comment ?? "",
      };
    })
    .toReversed();
}

/** As JSON has it, absent members left out. */
export function toDescriptor(descriptor: Descriptor): JsonObject {
  return JSON.parse(JSON.stringify(encodeDescriptor(descriptor))) as JsonObject;
}

function toImageConfig(config: ImageDefaults, api: number): JsonObject {
  if (api < 50) return legacyConfig(config);
  const members: [string, JsonValue, boolean][] = [
    ["User", config.user, config.user === ""],
    ["ExposedPorts", emptyObjects(config.exposedPorts), config.exposedPorts.length === 0],
    ["Env", [...config.env], config.env.length === 0],
    ["Entrypoint", [...config.entrypoint], config.entrypoint.length === 0],
    ["Cmd", [...config.cmd], config.cmd.length === 0],
    ["Volumes", emptyObjects(config.volumes), config.volumes.length === 0],
    ["WorkingDir", config.workingDir, config.workingDir === ""],
    ["Labels", { ...config.labels }, Object.keys(config.labels).length === 0],
    ["StopSignal", config.stopSignal ?? "", config.stopSignal === undefined],
    ["OnBuild", [...config.onBuild], config.onBuild.length === 0],
    ["Shell", [...config.shell], config.shell.length === 0],
    ["Healthcheck", toHealthcheck(config.healthcheck), config.healthcheck === undefined],
  ];
  // 1.50 and 1.51 write some of them when they are empty, too.
  const always = api < 52 ? ["User", "Env", "Entrypoint", "Cmd", "Volumes", "WorkingDir", "Labels", "OnBuild"] : [];
  return Object.fromEntries(
    members
      .filter(([key, , isEmpty]) => !isEmpty || always.includes(key))
      .map(([key, value, isEmpty]) => [key, isEmpty && typeof value === "object" ? null : value]),
  );
}

/** Every field of a container's config, as images were described up to 1.49. */
function legacyConfig(config: ImageDefaults | undefined): JsonObject {
  const listOrNull = (list: readonly string[] | undefined) =>
    list === undefined || list.length === 0 ? null : [...list];
  const labels = config?.labels ?? {};
  return {
    Hostname: "",
    Domainname: "",
    User: config?.user ?? "",
    AttachStdin: false,
    AttachStdout: false,
    AttachStderr: false,
    ...(config === undefined || config.exposedPorts.length === 0
      ? {}
      : { ExposedPorts: emptyObjects(config.exposedPorts) }),
    Tty: false,
    OpenStdin: false,
    StdinOnce: false,
    Env: listOrNull(config?.env),
    Cmd: listOrNull(config?.cmd),
    ...(config?.healthcheck === undefined ? {} : { Healthcheck: toHealthcheck(config.healthcheck) }),
    Image: "",
    Volumes: config === undefined || config.volumes.length === 0 ? null : emptyObjects(config.volumes),
    WorkingDir: config?.workingDir ?? "",
    Entrypoint: listOrNull(config?.entrypoint),
    OnBuild: listOrNull(config?.onBuild),
    Labels: Object.keys(labels).length === 0 ? null : { ...labels },
    ...(config?.stopSignal === undefined ? {} : { StopSignal: config.stopSignal }),
    ...(config === undefined || config.shell.length === 0 ? {} : { Shell: [...config.shell] }),
  };
}

function toHealthcheck(health: ImageHealthcheck | undefined): JsonObject {
  if (health === undefined) return {};
  const ns = (key: string, ms: number | undefined): JsonObject =>
    ms === undefined || ms === 0 ? {} : { [key]: ms * 1e6 };
  return {
    Test: [...health.test],
    ...ns("Interval", health.intervalMs),
    ...ns("Timeout", health.timeoutMs),
    ...ns("StartPeriod", health.startPeriodMs),
    ...ns("StartInterval", health.startIntervalMs),
    ...(health.retries === undefined ? {} : { Retries: health.retries }),
  };
}

function emptyObjects(keys: readonly string[]): JsonObject {
  return Object.fromEntries(keys.map((key) => [key, {}]));
}
