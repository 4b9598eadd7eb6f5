import { EngineError, isKind } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import { inspectImage } from "#engine/inspect-image.ts";
import type { ImageStatusRequest } from "#gen/runtime/v1/images_pb.ts";
import type { Cri } from "./cri.ts";
import { toImage } from "./to-image.ts";

/** Empty for an image that is not here. */
export async function imageStatus(call: Call, { engine }: Cri, { image, verbose }: ImageStatusRequest) {
  const reference = image?.image ?? "";
  if (reference === "") throw new EngineError("invalidArgument", "image: missing");
  try {
    const found = await inspectImage(call, engine, reference);
    const { config, id, manifest } = found;
    return {
      image: toImage(call, engine, { ...found, user: config.config.user }),
      info: verbose ? { info: JSON.stringify({ chainID: "", imageSpec: config, manifest: manifest.digest, id }) } : {},
    };
  } catch (error) {
    if (isKind(error, "notFound")) return {};
    throw error;
  }
}
