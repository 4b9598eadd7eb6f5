import { availableParallelism, totalmem } from "node:os";
import { EngineError } from "#base/errors.ts";
import type { Sandbox } from "#core/sandboxes/sandbox.ts";
import { sandboxPaths } from "#engine/sandbox-paths.ts";
import { toInspect } from "../containers/to-inspect.ts";
import { toStats } from "../containers/to-stats.ts";
import { json, taken, type Answer, type RouteContext } from "../route.ts";
import { sandboxContainerName, toSandboxContainer } from "./sandbox-container.ts";

/** Answers a container's route for a pod's sandbox: it has a record, and neither output nor a process to look at. */
export async function answerForSandbox(context: RouteContext, path: string, sandbox: Sandbox): Promise<Answer> {
  switch (path) {
    case "/containers/:name/json":
      return inspectSandbox(context, sandbox);
    case "/containers/:name/logs":
      return noLogs(context);
    case "/containers/:name/stats":
      return await noStats(context, sandbox);
    default:
      throw new EngineError(
        "conflict",
        `container ${sandboxContainerName(sandbox)}: is a pod's sandbox, not a process`,
      );
  }
}

function inspectSandbox({ engine, api }: RouteContext, sandbox: Sandbox): Answer {
  const container = toSandboxContainer(engine, sandbox);
  const { directory } = sandboxPaths(engine, sandbox);
  return json(toInspect(container, { api, volumes: new Map(), execIds: [], filesDirectory: directory }));
}

function noLogs(context: RouteContext): Answer {
  const contentType = context.api >= 42 ? "multiplexed-stream" : "raw-stream";
  const out = context.stream(`application/vnd.docker.${contentType}`);
  out.flush();
  out.end();
  return taken;
}

/** One reading of zeros, as of a container that does not run. */
async function noStats(context: RouteContext, sandbox: Sandbox): Promise<Answer> {
  const options = {
    id: sandbox.id,
    name: sandboxContainerName(sandbox),
    onlineCpus: availableParallelism(),
    cgroupVersion: context.engine.settings.host.cgroupVersion,
    machineMemoryBytes: totalmem(),
  };
  const out = context.stream("application/json");
  await out.write(`${JSON.stringify(toStats(undefined, undefined, options))}\n`);
  out.end();
  return taken;
}
