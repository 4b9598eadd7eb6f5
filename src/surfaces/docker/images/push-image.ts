import { familiarRepository, formatFamiliar, parseReference, withDefaultTag } from "#core/images/reference.ts";
import { pushImage } from "#engine/push-image.ts";
import { auxMessage, encodeMessage, errorMessage, message } from "../json-messages.ts";
import { registryAccess } from "../registry-auth.ts";
import { taken, type Answer, type RouteContext } from "../route.ts";
import { shortDigest, toPushMessage } from "./layer-messages.ts";
import { readPlatform } from "./read-platform.ts";

/** `docker push`; without a tag every tag of the repository. */
export async function pushImageRoute(context: RouteContext): Promise<Answer> {
  const { name, query, api } = context;
  const tag = query.text("tag");
  const { domain, path } = parseReference(name);
  const references = tag === "" ? await tagsOf(context) : [`${name}:${tag}`];
  const platform = api >= 46 ? readPlatform(query.text("platform")) : undefined;
  const out = context.stream("application/json");
  try {
    for (const reference of references) {
      const pushed = await pushImage(context.call, context.engine, {
        reference,
        ...registryAccess(context.headers["x-registry-auth"]),
        ...(platform === undefined ? {} : { platform }),
        onProgress(progress) {
          if (!out.started) out.offer(encodeMessage(message(`The push refers to repository [${domain}/${path}]`)));
          out.offer(encodeMessage(toPushMessage(progress)));
        },
      });
      const { digest, sizeBytes } = pushed;
      const pushedTag = pushed.tag ?? shortDigest(digest);
      await out.write(encodeMessage(message(`${pushedTag}: digest: ${digest} size: ${sizeBytes}`)));
      await out.write(encodeMessage(auxMessage({ Tag: pushedTag, Digest: digest, Size: sizeBytes })));
    }
  } catch (error) {
    if (!out.started) throw error;
    context.noteFailure(error);
    await out.write(encodeMessage(errorMessage(error)));
  }
  out.end();
  return taken;
}

/** What a name without a tag stands for: itself with its own tag, or all tags that are here. */
async function tagsOf({ call, engine, name }: RouteContext): Promise<string[]> {
  const reference = parseReference(name);
  if (reference.tag !== undefined || reference.digest !== undefined) return [formatFamiliar(reference)];
  const repository = familiarRepository(reference);
  const tags = (await engine.images.list(call)).flatMap(({ name: stored }) =>
    stored.startsWith(`${reference.domain}/${reference.path}:`) ? [stored.slice(stored.lastIndexOf(":") + 1)] : [],
  );
  return tags.length > 0 ? tags.map((tag) => `${repository}:${tag}`) : [formatFamiliar(withDefaultTag(reference))];
}
