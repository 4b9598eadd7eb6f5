import { EngineError } from "#base/errors.ts";
import type { JsonReader } from "#base/json-reader.ts";
import type { ContainerMount } from "#core/containers/container-config.ts";
import { parsePlatform } from "#core/images/platform.ts";
import { createContainer } from "#engine/create-container.ts";
import { createVolume } from "#engine/create-volume.ts";
import { resolveImage } from "#engine/resolve-image.ts";
import type { Sandbox } from "#core/sandboxes/sandbox.ts";
import { findNamed } from "../pods/find-in-pods.ts";
import { findPodTarget, inPodNetwork } from "../pods/pod-network-target.ts";
import { readBody } from "../read-body.ts";
import { json, type Answer, type RouteContext } from "../route.ts";
import { ensureNetworks } from "../networks/ensure-networks.ts";
import { maxItems } from "./host-config-shape.ts";
import { extensionKey, toExtension } from "./records.ts";
import { toContainerConfig } from "./to-container-config.ts";

/** `docker create`. */
export async function createContainerRoute(context: RouteContext): Promise<Answer> {
  const { call, engine, query, api } = context;
  const body = await readBody(context);
  if (!body.isPresent) {
    throw new EngineError("invalidArgument", "config cannot be empty in order to create a container");
  }
  const imageReference = body.at("Image").optionalString() ?? "";
  if (imageReference === "") throw new EngineError("invalidArgument", "no image specified");
  const text = query.text("platform");
  const platform = text === "" ? undefined : parsePlatform(text, engine.settings.platform);
  const image = await resolveImage(call, engine, imageReference, platform === undefined ? {} : { platform });
  await ensureNetworks(call, engine);
  const converted = toContainerConfig(body, {
    api,
    image: image.config.config,
    containerIds: await targetIds(context, body.at("HostConfig")),
    volumesFrom: await volumesFrom(context, body.at("HostConfig")),
  });
  const pod = await podOf(context, body.at("HostConfig"));
  for (const volume of converted.wantedVolumes) await createVolume(call, engine, volume);
  const { id } = await createContainer(call, engine, {
    name: query.text("name").replace(/^\//, ""),
    imageReference,
    config: pod === undefined ? converted.config : inPodNetwork(converted.config, engine, pod),
    labels: converted.labels,
    extensions: { [extensionKey]: toExtension(converted.record) },
    ...(converted.runtimeHandler === undefined ? {} : { runtimeHandler: converted.runtimeHandler }),
  });
  context.note({ containerId: id, image: imageReference });
  return json({ Id: id, Warnings: converted.warnings }, 201);
}

/** Full ids of the containers in `container:<name>` modes. @throws notFound */
async function targetIds(context: RouteContext, host: JsonReader): Promise<Map<string, string>> {
  const { call, engine } = context;
  const ids = new Map<string, string>();
  for (const field of ["NetworkMode", "PidMode", "IpcMode"]) {
    const mode = host.at(field).optionalString() ?? "";
    const target = mode.startsWith("container:") ? mode.slice("container:".length) : "";
    if (target === "" || (field === "NetworkMode" && (await podOf(context, host)) !== undefined)) continue;
    ids.set(target, (await engine.containers.resolve(call, target)).id);
  }
  return ids;
}

/** The pod whose network is asked for; a container of Docker's own goes before one of a pod. */
async function podOf(context: RouteContext, host: JsonReader): Promise<Sandbox | undefined> {
  const mode = host.at("NetworkMode").optionalString() ?? "";
  const target = mode.startsWith("container:") ? mode.slice("container:".length) : "";
  if (target === "" || (await findNamed(context.call, context.engine, target)) !== undefined) return undefined;
  return await findPodTarget(context, target);
}

/** @throws notFound */
async function volumesFrom({ call, engine }: RouteContext, host: JsonReader) {
  const found = new Map<string, readonly ContainerMount[]>();
  for (const text of host.at("VolumesFrom").strings(maxItems)) {
    const container = await engine.containers.resolve(call, text.split(":")[0] ?? "");
    found.set(text, container.config.mounts);
  }
  return found;
}
