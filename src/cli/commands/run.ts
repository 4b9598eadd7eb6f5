import { CliError } from "../cli-error.ts";
import type { Command, Input } from "../command.ts";
import { isTerminal, print } from "../output.ts";
import { attachedStreams } from "../run/container-config.ts";
import { createContainer } from "../run/create-container.ts";
import { containerFlags, runOnlyFlags } from "../run/run-flags.ts";
import { startContainer } from "../run/start-container.ts";
import type { Session } from "../session.ts";

export const run: Command = {
  usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
  summary: "Create and run a new container from an image",
  flags: containerFlags + runOnlyFlags,
  args: { min: 1 },
  stopAtFirstArgument: true,
  usageExitCode: 125,
  example: "ferry run --rm -it alpine sh\nferry run -d --name web -p 8080:80 -v data:/srv nginx",
  completes: "images",
  run: runContainer,
};

async function runContainer(session: Session, { flags, args }: Input): Promise<number> {
  if (flags.bool("detach")) {
    const containerId = await createContainer(session, flags, args);
    const code = await startContainer(session, containerId, "run");
    if (code === 0) print(containerId);
    return code;
  }
  const streams = attachedStreams(flags);
  const tty = flags.bool("tty");
  if (tty && streams.stdin && !isTerminal(0)) {
    throw new CliError("the input device is not a TTY", { next: "leave out -t, or -i" });
  }
  // Loaded before there is a container: a broken flag then leaves nothing behind.
  const { readDetachKeys, runAttached } = await import("../run/run-attached.ts");
  const detachKeys = readDetachKeys(flags);
  const containerId = await createContainer(session, flags, args);
  return await runAttached(session, containerId, {
    tty,
    streams,
    detachKeys,
    sigProxy: flags.bool("sig-proxy", true),
    removes: flags.bool("rm"),
    command: "run",
  });
}
