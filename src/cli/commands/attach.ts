import type { ContainerInspect, WaitAnswer } from "#clients/docker/wire-types.ts";
import { CliError } from "../cli-error.ts";
import type { Command, Input } from "../command.ts";
import { segment } from "../each-argument.ts";
import { isTerminal, warn } from "../output.ts";
import { followTerminal } from "../run/follow-terminal.ts";
import { pipeStreams } from "../run/pipe-streams.ts";
import { proxySignals } from "../run/proxy-signals.ts";
import { attachQuery, readDetachKeys } from "../run/run-attached.ts";
import type { Session } from "../session.ts";

export const attach: Command = {
  usage: "[OPTIONS] CONTAINER",
  summary: "Attach local standard input, output, and error streams to a running container",
  flags: `
    --detach-keys string   Key sequence for detaching (default "ctrl-p,ctrl-q")
    --no-stdin             Do not attach STDIN
    --sig-proxy            Proxy received signals to the process (default true)
`,
  args: { min: 1, max: 1 },
  example: "ferry attach shell        (leave with ctrl-p ctrl-q)",
  completes: "running",
  run,
};

async function run(session: Session, { flags, args }: Input): Promise<number> {
  const { client } = session;
  const path = `/containers/${segment(args[0] ?? "")}`;
  const { Config, State, Id } = await client.json<ContainerInspect>({ path: `${path}/json` });
  if (!State.Running)
    throw new CliError("you cannot attach to a stopped container", { next: `ferry start -a ${args[0] ?? ""}` });
  if (State.Paused)
    throw new CliError("you cannot attach to a paused container", { next: `ferry unpause ${args[0] ?? ""}` });
  const stdin = Config.OpenStdin && !flags.bool("no-stdin");
  if (Config.Tty && stdin && !isTerminal(0))
    throw new CliError("the input device is not a TTY", { next: "--no-stdin" });
  using _signals = flags.bool("sig-proxy", true) && !Config.Tty ? proxySignals(client, Id) : undefined;
  const detachKeys = readDetachKeys(flags);
  const canceled = new AbortController();
  const waiting = client.json<WaitAnswer>({ method: "POST", path: `${path}/wait`, signal: canceled.signal });
  waiting.catch(() => undefined);
  const streams = { stdin, stdout: true, stderr: true };
  using connection = await client.hijack({ path: `${path}/attach`, query: attachQuery({ streams, detachKeys }) });
  using _size = Config.Tty ? followTerminal(client, path) : undefined;
  if ((await pipeStreams(connection, { tty: Config.Tty, stdin, detachKeys: detachKeys.bytes })) === "detached") {
    canceled.abort();
    warn("read escape sequence");
    return 0;
  }
  return (await waiting).StatusCode;
}
