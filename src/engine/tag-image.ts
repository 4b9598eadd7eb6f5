import { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { Image } from "#core/images/image-store.ts";
import {
  familiarRepository,
  formatFamiliar,
  formatReference,
  parseReference,
  withDefaultTag,
} from "#core/images/reference.ts";
import type { Engine } from "./engine.ts";
import { assignNames, type NamesEngine } from "./images/image-names.ts";
import { findImage, type ResolveEngine } from "./resolve-image.ts";

/**
 * Gives an image a further name; one that has the name loses it. Publishes `tag`.
 *
 * @throws notFound @throws invalidArgument for a name with a digest, or none at all
 */
export async function tagImage(
  call: Call,
  engine: ResolveEngine & NamesEngine & Pick<Engine, "events">,
  request: { source: string; target: string },
): Promise<Image> {
  const reference = withDefaultTag(parseReference(request.target));
  if (reference.digest !== undefined) {
    throw new EngineError("invalidArgument", "refusing to create a tag with a digest reference");
  }
  const { image: source } = await findImage(call, engine, request.source);
  const { images } = await assignNames(call, engine, [formatReference(reference)], source.target);
  const [image] = images;
  if (image === undefined) throw new Error("no name was assigned");
  engine.events.publish({
    namespace: call.namespace,
    type: "image",
    action: "tag",
    actorId: source.target.digest,
    attributes: { name: formatFamiliar(reference), repository: familiarRepository(reference) },
  });
  return image;
}
