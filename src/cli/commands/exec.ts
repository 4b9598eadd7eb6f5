import { DockerApiError } from "#clients/docker/api-error.ts";
import { CliError } from "../cli-error.ts";
import type { Command, Input } from "../command.ts";
import { segment } from "../each-argument.ts";
import { isTerminal } from "../output.ts";
import { reportError } from "../report-error.ts";
import { readEnvironment } from "../run/environment.ts";
import { readDetachKeys } from "../run/run-attached.ts";
import { startExitCode } from "../run/start-exit-code.ts";
import { pipeStreams } from "../run/pipe-streams.ts";
import { terminalSize } from "../run/terminal-size.ts";
import type { Session } from "../session.ts";

export const exec: Command = {
  usage: "[OPTIONS] CONTAINER COMMAND [ARG...]",
  summary: "Execute a command in a running container",
  flags: `
-d, --detach               Detached mode: run command in the background
    --detach-keys string   Key sequence for detaching (default "ctrl-p,ctrl-q")
-e, --env list             Set environment variables
    --env-file list        Read in a file of environment variables
-i, --interactive          Keep STDIN open even if not attached
    --privileged           Give extended privileges to the command
-t, --tty                  Allocate a pseudo-TTY
-u, --user string          Username or UID (name|uid[:group|gid])
-w, --workdir string       Working directory inside the container
`,
  args: { min: 2 },
  stopAtFirstArgument: true,
  example: "ferry exec -it web sh",
  completes: "running",
  run,
};

async function run(session: Session, { flags, args }: Input): Promise<number> {
  const [container = "", ...command] = args;
  const [tty, stdin, detach] = [flags.bool("tty"), flags.bool("interactive"), flags.bool("detach")];
  if (tty && stdin && !detach && !isTerminal(0)) {
    throw new CliError("the input device is not a TTY", { next: "leave out -t, or -i" });
  }
  const { bytes, text } = readDetachKeys(flags);
  const size = tty ? { ConsoleSize: terminalSize() } : {};
  const { client } = session;
  const { Id } = await client.json<{ Id: string }>({
    method: "POST",
    path: `/containers/${segment(container)}/exec`,
    json: {
      Cmd: command,
      Tty: tty,
      AttachStdin: stdin && !detach,
      AttachStdout: !detach,
      AttachStderr: !detach,
      Env: readEnvironment(flags.list("env-file"), flags.list("env")),
      Privileged: flags.bool("privileged"),
      User: flags.text("user") ?? "",
      WorkingDir: flags.text("workdir") ?? "",
      ...(text === undefined ? {} : { DetachKeys: text }),
      ...size,
    },
  });
  const path = `/exec/${Id}`;
  try {
    if (detach) {
      await client.text({ method: "POST", path: `${path}/start`, json: { Detach: true, Tty: tty } });
      return 0;
    }
    using connection = await client.hijack({ path: `${path}/start`, json: { Detach: false, Tty: tty, ...size } });
    using _size = tty ? (await import("../run/follow-terminal.ts")).followTerminal(client, path) : undefined;
    if ((await pipeStreams(connection, { tty, stdin, detachKeys: bytes })) === "detached") return 0;
  } catch (error) {
    if (!(error instanceof DockerApiError) || error.status === 404 || error.status === 409) throw error;
    reportError(error, "exec");
    return startExitCode(error.message);
  }
  const { ExitCode } = await client.json<{ ExitCode: number | null }>({ path: `${path}/json` });
  return ExitCode ?? 0;
}
