import { kindOf } from "#base/errors.ts";
import type { JsonReader } from "#base/json-reader.ts";
import { adoptImage, type AdoptRequest } from "#engine/adopt-image.ts";
import { encodeMessage, errorMessage, message } from "../json-messages.ts";
import { hostPathAt } from "../host-path.ts";
import { readBody } from "../read-body.ts";
import { taken, type Answer, type RouteContext } from "../route.ts";
import { shortDigest } from "./layer-messages.ts";

const maxLayers = 1024;
const maxNames = 100_000;

/**
 * Ferry's own: takes an image from another engine's trees on this machine. Who may ask may run any container, so paths
 * of the host are theirs to name.
 *
 * `{"Config": base64, "Layers": [{"Recipe": path, "Files": path, "Size": bytes}], "Names": [reference]}`; answers messages as a pull does,
 * the last with `aux: {"ID", "Manifest", "Layers": [{"DiffID", "How"}]}`; an error has its kind in `errorKind`.
 */
export async function adoptImageRoute(context: RouteContext): Promise<Answer> {
  const request = decode(await readBody(context));
  const out = context.stream("application/json");
  // From here on an error is told in the stream, with its kind: the client must know whether the image is at fault.
  await out.write(encodeMessage(message("Adopting image")));
  try {
    const { imageId, target, layers } = await adoptImage(context.call, context.engine, {
      ...request,
      onProgress: ({ t, layer }) => out.offer(encodeMessage(message(words[t], { id: shortDigest(layer) }))),
    });
    const proof = layers.map(({ diffId, how }) => ({ DiffID: diffId, How: how }));
    await out.write(encodeMessage({ aux: { ID: imageId, Manifest: target.digest, Layers: proof } }));
  } catch (error) {
    context.noteFailure(error);
    await out.write(encodeMessage({ ...errorMessage(error), errorKind: kindOf(error) }));
  }
  out.end();
  return taken;
}

const words = { extracting: "Adopting", pullComplete: "Adopted", alreadyExists: "Already exists" } as const;

/** @throws invalidArgument */
function decode(body: JsonReader): AdoptRequest {
  const layers = body
    .at("Layers")
    .list(maxLayers)
    .map((layer) => ({
      recipePath: hostPathAt(layer, "Recipe"),
      filesDirectory: hostPathAt(layer, "Files"),
      archiveBytes: layer.at("Size").size(),
    }));
  const names = body.at("Names").strings(maxNames);
  return { configBytes: Buffer.from(body.at("Config").string(), "base64"), layers, names };
}
