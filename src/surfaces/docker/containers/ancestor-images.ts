import { isKind } from "#base/errors.ts";
import { findImage } from "#engine/resolve-image.ts";
import { readImageId } from "#engine/images/read-image.ts";
import type { RouteContext } from "../route.ts";

/** IDs of the images that an `ancestor` filter names; names without an image fit nothing by ID. */
export async function ancestorIds({ call, engine }: RouteContext, names: readonly string[]): Promise<Set<string>> {
  const ids = new Set<string>();
  for (const name of names) {
    try {
      const { image } = await findImage(call, engine, name);
      ids.add(await readImageId(call, engine, image.target));
    } catch (error) {
      if (!isKind(error, "notFound", "invalidArgument")) throw error;
    }
  }
  return ids;
}
