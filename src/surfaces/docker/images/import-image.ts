import { EngineError } from "#base/errors.ts";
import type { Answer, RouteContext } from "../route.ts";

export async function importImageRoute(_context: RouteContext): Promise<Answer> {
  throw new EngineError("notImplemented", "POST /images/create?fromSrc: not implemented");
}
