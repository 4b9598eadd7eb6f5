import { resizeExec } from "#engine/exec.ts";
import type { Answer, RouteContext } from "../route.ts";
import { readSize } from "./resize-container.ts";

export async function resizeExecRoute({ call, engine, name, query }: RouteContext): Promise<Answer> {
  await resizeExec(call, engine, name, readSize(query));
  return { t: "empty", status: 200 };
}
