import { EngineError, isKind } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import { deleteImage } from "#engine/delete-image.ts";
import { resolveImage } from "#engine/resolve-image.ts";
import type { RemoveImageRequest } from "#gen/runtime/v1/images_pb.ts";
import type { Cri } from "./cri.ts";

/** All names of the image go, whichever was given. One that is not here is a success. */
export async function removeImage(call: Call, { engine }: Cri, { image }: RemoveImageRequest) {
  const reference = image?.image ?? "";
  if (reference === "") throw new EngineError("invalidArgument", "image: missing");
  try {
    const { id } = await resolveImage(call, engine, reference);
    await deleteImage(call, engine, { reference: id, force: true });
  } catch (error) {
    if (!isKind(error, "notFound")) throw error;
  }
  return {};
}
