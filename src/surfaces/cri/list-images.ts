import { isKind } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import { listImages as listEngineImages } from "#engine/list-images.ts";
import { resolveImage } from "#engine/resolve-image.ts";
import type { ImageFilter, ListImagesRequest, StreamImagesRequest } from "#gen/runtime/v1/images_pb.ts";
import type { Cri } from "./cri.ts";
import { pagesOf } from "./pages.ts";
import { toImage } from "./to-image.ts";

export async function listImages(call: Call, cri: Cri, { filter }: ListImagesRequest) {
  return { images: await select(call, cri, filter) };
}

export async function* streamImages(call: Call, cri: Cri, { filter }: StreamImagesRequest) {
  for (const images of pagesOf(await select(call, cri, filter))) yield { images };
}

async function select(call: Call, { engine }: Cri, filter: ImageFilter | undefined) {
  const wanted = filter?.image?.image ?? "";
  const all = await listEngineImages(call, engine);
  if (wanted === "") return all.map((image) => toImage(call, engine, image));
  try {
    const { id } = await resolveImage(call, engine, wanted);
    return all.filter((image) => image.id === id).map((image) => toImage(call, engine, image));
  } catch (error) {
    if (isKind(error, "notFound")) return [];
    throw error;
  }
}
