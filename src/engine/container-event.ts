import type { Container } from "#core/containers/container.ts";
import type { Engine } from "./engine.ts";

/** Publishes what happened to a container, with its labels, image and name, as Docker's events have them. */
export function publishContainer(
  engine: Pick<Engine, "events">,
  container: Container,
  action: string,
  attributes: Readonly<Record<string, string>> = {},
): void {
  engine.events.publish({
    namespace: container.namespace,
    type: "container",
    action,
    actorId: container.id,
    attributes: { ...container.labels, ...attributes, image: container.image.reference, name: container.name },
  });
}
