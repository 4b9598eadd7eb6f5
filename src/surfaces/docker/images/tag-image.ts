import { tagImage } from "#engine/tag-image.ts";
import type { Answer, RouteContext } from "../route.ts";

export async function tagImageRoute({ call, engine, name, query }: RouteContext): Promise<Answer> {
  const tag = query.text("tag");
  await tagImage(call, engine, {
    source: name,
    target: tag === "" ? query.text("repo") : `${query.text("repo")}:${tag}`,
  });
  return { t: "empty", status: 201 };
}
