import { EngineError } from "#base/errors.ts";
import { deleteImage } from "#engine/delete-image.ts";
import { json, type Answer, type RouteContext } from "../route.ts";

/** `docker rmi`. */
export async function deleteImageRoute({ call, engine, name, query }: RouteContext): Promise<Answer> {
  if (name.trim() === "") throw new EngineError("invalidArgument", "image name cannot be blank");
  const gone = await deleteImage(call, engine, { reference: name, force: query.boolean("force") });
  return json(toDeleteResponse(gone));
}

export function toDeleteResponse({ untagged, deleted }: { untagged: readonly string[]; deleted: readonly string[] }) {
  return [...untagged.map((name) => ({ Untagged: name })), ...deleted.map((digest) => ({ Deleted: digest }))];
}
