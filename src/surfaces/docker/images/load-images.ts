import { loadImages } from "#engine/load-images.ts";
import { encodeMessage, errorMessage, message } from "../json-messages.ts";
import { bodyChunks } from "../read-body.ts";
import { taken, type Answer, type RouteContext } from "../route.ts";
import { shortDigest } from "./layer-messages.ts";
import { readPlatform } from "./read-platform.ts";

/** `docker load`. */
export async function loadImagesRoute(context: RouteContext): Promise<Answer> {
  const { call, engine, query, api } = context;
  const quiet = query.boolean("quiet", true);
  const platform = api >= 48 ? readPlatform(query.text("platform")) : undefined;
  const out = context.stream("application/json");
  try {
    const loaded = await loadImages(call, engine, {
      archive: bodyChunks(context),
      ...(platform === undefined ? {} : { platform }),
      onProgress({ entry, sizeBytes }) {
        const digest = /^blobs\/(\w+)\/(\w+)$/.exec(entry)?.[2];
        if (quiet || digest === undefined) return;
        const details = { id: shortDigest(digest), current: sizeBytes, total: sizeBytes };
        out.offer(encodeMessage(message("Loading layer", details)));
      },
    });
    for (const { names, imageId } of loaded) {
      const lines =
        names.length > 0 ? names.map((name) => `Loaded image: ${name}\n`) : [`Loaded image ID: ${imageId}\n`];
      for (const stream of lines) await out.write(encodeMessage({ stream }));
    }
  } catch (error) {
    if (!out.started) throw error;
    context.noteFailure(error);
    await out.write(encodeMessage(errorMessage(error)));
  }
  out.end();
  return taken;
}
