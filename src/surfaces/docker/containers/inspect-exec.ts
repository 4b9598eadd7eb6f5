import { inspectExec } from "#engine/exec.ts";
import { json, type Answer, type RouteContext } from "../route.ts";

export async function inspectExecRoute({ call, engine, name }: RouteContext): Promise<Answer> {
  const exec = inspectExec(call, engine, name);
  const [entrypoint = "", ...args] = exec.args;
  return json({
    ID: exec.id,
    Running: exec.state === "running",
    ExitCode: exec.exitCode ?? null,
    ProcessConfig: {
      tty: exec.tty,
      entrypoint,
      arguments: args,
      privileged: exec.privileged,
      ...(exec.user === "" ? {} : { user: exec.user }),
    },
    OpenStdin: exec.attach.stdin,
    OpenStderr: exec.attach.stderr,
    OpenStdout: exec.attach.stdout,
    CanRemove: exec.state === "exited",
    ContainerID: exec.containerId,
    DetachKeys: "",
    Pid: exec.pid,
  });
}
