import { EngineError } from "#base/errors.ts";

/** @throws invalidArgument, with the names there are */
export function pickHandler<T>(handlers: ReadonlyMap<string, T>, name: string): T {
  const handler = handlers.get(name);
  if (handler !== undefined) return handler;
  const known = [...handlers.keys()].join(", ");
  throw new EngineError("invalidArgument", `unknown or invalid runtime name: ${name} (there are: ${known})`);
}
