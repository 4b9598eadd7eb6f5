import type { Call } from "#core/call.ts";
import { updateContainer } from "#engine/update-container.ts";
import type { UpdateContainerResourcesRequest } from "#gen/runtime/v1/containers_pb.ts";
import type { Cri } from "./cri.ts";
import { containerRecord, resourcesOf, toResourcesJson } from "./records.ts";
import { toResources } from "./to-resources.ts";

/** What the request leaves at 0 stays as it is. */
export async function updateContainerResources(call: Call, { engine }: Cri, request: UpdateContainerResourcesRequest) {
  const { linux } = request;
  if (linux === undefined) return {};
  const { id } = await engine.containers.resolve(call, request.containerId);
  const container = await updateContainer(call, engine, { container: id, resources: toResources(linux) });
  const record = containerRecord(container);
  if (record === undefined) return {};
  const before = resourcesOf(record);
  const given = Object.fromEntries(
    Object.entries(linux).filter(([, value]) => value !== 0n && value !== "" && !isEmpty(value)),
  );
  const resources = toResourcesJson({ ...before, ...given });
  await engine.containers.update(call, id, (now) => ({
    ...now,
    extensions: { ...now.extensions, cri: { ...now.extensions["cri"], resources } },
  }));
  return {};
}

function isEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}
