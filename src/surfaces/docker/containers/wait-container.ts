import { EngineError } from "#base/errors.ts";
import { waitContainer } from "#engine/wait-container.ts";
import { taken, type Answer, type RouteContext } from "../route.ts";

/** Headers at once, so that the client knows that the wait has begun; the exit when it comes. */
export async function waitContainerRoute(context: RouteContext): Promise<Answer> {
  const condition = context.query.text("condition") || "not-running";
  if (condition !== "not-running" && condition !== "next-exit" && condition !== "removed") {
    throw new EngineError("invalidArgument", `invalid condition: ${JSON.stringify(condition)}`);
  }
  const { exited } = await waitContainer(context.call, context.engine, context.name, condition);
  const out = context.stream("application/json");
  out.flush();
  const { exitCode, error } = await exited;
  const failure = error === "" ? {} : { Error: { Message: error } };
  await out.write(`${JSON.stringify({ StatusCode: exitCode, ...failure })}\n`);
  out.end();
  return taken;
}
