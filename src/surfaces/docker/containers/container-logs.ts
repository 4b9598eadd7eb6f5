import { EngineError } from "#base/errors.ts";
import type { Answer, RouteContext } from "../route.ts";

export async function containerLogs(_context: RouteContext): Promise<Answer> {
  throw new EngineError("notImplemented", "GET /containers/{name}/logs: not implemented");
}
