import { resizeContainer } from "#engine/attach-container.ts";
import type { TerminalSize } from "#core/tasks/runtime.ts";
import { EngineError } from "#base/errors.ts";
import type { Query } from "../query.ts";
import type { Answer, RouteContext } from "../route.ts";

export async function resizeContainerRoute({ call, engine, name, query }: RouteContext): Promise<Answer> {
  await resizeContainer(call, engine, name, readSize(query));
  return { t: "empty", status: 200 };
}

/** `h` and `w`. @throws invalidArgument */
export function readSize(query: Query): TerminalSize {
  const read = (name: string, what: string) => {
    const text = query.text(name);
    if (/^\d{1,5}$/.test(text)) return Number(text);
    throw new EngineError("invalidArgument", `invalid resize ${what} ${JSON.stringify(text)}: invalid syntax`);
  };
  return { height: read("h", "height"), width: read("w", "width") };
}
