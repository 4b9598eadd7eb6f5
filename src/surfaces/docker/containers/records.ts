import type { JsonObject, JsonValue } from "#base/json.ts";
import type { Container } from "#core/containers/container.ts";

/** Key of {@link Container.extensions} that is this surface's. */
export const extensionKey = "docker";

/**
 * What only Docker's API knows of a container: its request, image defaults merged into `config`, fields that say nothing
 * left out. A container that came by another surface has none.
 */
export type DockerRecord = {
  readonly config: JsonObject;
  readonly hostConfig: JsonObject;
  /** `NetworkingConfig.EndpointsConfig`, by network. */
  readonly endpoints: JsonObject;
};

export function toExtension({ config, hostConfig, endpoints }: DockerRecord): JsonObject {
  return { config, hostConfig, endpoints };
}

/** The record of a container; empty where it has none. */
export function recordOf(container: Container): DockerRecord {
  const stored = container.extensions[extensionKey];
  return {
    config: asObject(stored?.["config"]),
    hostConfig: asObject(stored?.["hostConfig"]),
    endpoints: asObject(stored?.["endpoints"]),
  };
}

export function asObject(value: JsonValue | undefined): JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
}

export function asText(value: JsonValue | undefined): string {
  return typeof value === "string" ? value : "";
}
