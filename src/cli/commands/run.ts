import { DockerApiError } from "#clients/docker/api-error.ts";
import type { WaitAnswer } from "#clients/docker/wire-types.ts";
import { CliError } from "../cli-error.ts";
import type { Command, Input } from "../command.ts";
import type { Flags } from "../flags.ts";
import { isTerminal, print, warn } from "../output.ts";
import { attachedStreams } from "../run/container-config.ts";
import { createContainer } from "../run/create-container.ts";
import { containerFlags, runOnlyFlags } from "../run/run-flags.ts";
import { startExitCode } from "../run/start-exit-code.ts";
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
  const streams = attachedStreams(flags);
  const tty = flags.bool("tty");
  if (tty && streams.stdin && !isTerminal(0)) {
    throw new CliError("the input device is not a TTY", { exitCode: 1, next: "leave out -t, or -i" });
  }
  const detachKeys = await readDetachKeys(flags, tty && streams.stdin);
  const containerId = await createContainer(session, flags, args);
  const signals = await maybeProxySignals(session, flags, containerId);
  using _signals = signals;
  if (flags.bool("detach")) return await startDetached(session, containerId);
  return await runAttached(session, containerId, { flags, tty, streams, detachKeys });
}

async function startDetached(session: Session, containerId: string): Promise<number> {
  const code = await start(session, containerId);
  if (code === 0) print(containerId);
  return code;
}

type Attached = {
  readonly flags: Flags;
  readonly tty: boolean;
  readonly streams: { stdin: boolean; stdout: boolean; stderr: boolean };
  readonly detachKeys: Buffer;
};

/** Attaches and begins to wait before the start, so that neither output nor exit code can be missed. */
async function runAttached(session: Session, containerId: string, options: Attached): Promise<number> {
  const { client } = session;
  const { flags, tty, streams } = options;
  const path = `/containers/${containerId}`;
  const canceled = new AbortController();
  const waiting = client.open({
    method: "POST",
    path: `${path}/wait`,
    query: { condition: flags.bool("rm") ? "removed" : "next-exit" },
    signal: canceled.signal,
  });
  const { pipeStreams } = await import("../run/pipe-streams.ts");
  using connection = await client.hijack({
    path: `${path}/attach`,
    query: {
      stream: 1,
      stdin: streams.stdin ? 1 : undefined,
      stdout: streams.stdout ? 1 : undefined,
      stderr: streams.stderr ? 1 : undefined,
      detachKeys: flags.text("detach-keys"),
    },
  });
  await using answer = await waiting;
  const piped = pipeStreams(connection, { tty, stdin: streams.stdin, detachKeys: options.detachKeys });
  // A failed start is what is told; the streams of a container that never ran have nothing to say.
  piped.catch(() => undefined);
  const failed = await start(session, containerId);
  if (failed !== 0) return failed;
  using _size = tty ? (await import("../run/follow-terminal.ts")).followTerminal(client, path) : undefined;
  if ((await piped) === "detached") {
    canceled.abort();
    return 0;
  }
  return await readExitCode(answer.body);
}

async function readExitCode(body: AsyncIterable<Buffer>): Promise<number> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk);
  const { StatusCode, Error: failure } = JSON.parse(Buffer.concat(chunks).toString()) as WaitAnswer;
  if (failure?.Message !== undefined && failure.Message !== "") {
    warn(`ferry: ${failure.Message}`);
    return 125;
  }
  return StatusCode;
}

/** Starts it; 0, or the exit code that says why it could not. @throws what is no answer of the daemon */
async function start(session: Session, containerId: string): Promise<number> {
  try {
    await session.client.text({ method: "POST", path: `/containers/${containerId}/start` });
    return 0;
  } catch (error) {
    if (!(error instanceof DockerApiError)) throw error;
    const { reportError } = await import("../report-error.ts");
    reportError(error, "run");
    return startExitCode(error.message);
  }
}

async function readDetachKeys(flags: Flags, needed: boolean): Promise<Buffer> {
  if (!needed) return Buffer.alloc(0);
  const { defaultDetachKeys, parseDetachKeys } = await import("../run/detach-keys.ts");
  return flags.parsed("detach-keys", parseDetachKeys) ?? parseDetachKeys(defaultDetachKeys);
}

async function maybeProxySignals(session: Session, flags: Flags, containerId: string): Promise<Disposable | undefined> {
  if (flags.bool("detach") || !flags.bool("sig-proxy", true)) return undefined;
  const { proxySignals } = await import("../run/proxy-signals.ts");
  return proxySignals(session.client, containerId);
}
