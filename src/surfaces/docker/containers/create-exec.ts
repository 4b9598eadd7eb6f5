import { EngineError } from "#base/errors.ts";
import { createExec } from "#engine/exec.ts";
import { readBody } from "../read-body.ts";
import { json, type Answer, type RouteContext } from "../route.ts";
import { maxItems } from "./host-config-shape.ts";

export async function createExecRoute(context: RouteContext): Promise<Answer> {
  const body = await readBody(context);
  const args = body.at("Cmd").strings(maxItems);
  if (args.length === 0) throw new EngineError("invalidArgument", "No exec command specified");
  const { id } = await createExec(context.call, context.engine, {
    container: context.name,
    args,
    env: body.at("Env").strings(maxItems),
    user: body.at("User").optionalString() ?? "",
    workdir: body.at("WorkingDir").optionalString() ?? "",
    tty: body.at("Tty").boolean(),
    privileged: body.at("Privileged").boolean(),
    attach: {
      stdin: body.at("AttachStdin").boolean(),
      stdout: body.at("AttachStdout").boolean(),
      stderr: body.at("AttachStderr").boolean(),
    },
  });
  return json({ Id: id }, 201);
}
