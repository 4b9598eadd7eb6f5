import type { WaitAnswer } from "#clients/docker/wire-types.ts";
import type { Flags } from "../flags.ts";
import { warn } from "../output.ts";
import type { Session } from "../session.ts";
import { defaultDetachKeys, parseDetachKeys } from "./detach-keys.ts";
import { pipeStreams } from "./pipe-streams.ts";
import { proxySignals } from "./proxy-signals.ts";
import { startContainer } from "./start-container.ts";

export type AttachedRun = {
  readonly tty: boolean;
  readonly streams: { readonly stdin: boolean; readonly stdout: boolean; readonly stderr: boolean };
  readonly detachKeys: { readonly text: string | undefined; readonly bytes: Buffer };
  readonly sigProxy: boolean;
  /** The container goes when it ends: that is what is waited for. */
  readonly removes: boolean;
  readonly command: string;
};

/**
 * Attaches, begins to wait, starts, and joins the streams until the end; answers the container's exit code.
 *
 * Attach and wait stand before the start, so that neither output nor exit code can be missed.
 */
export async function runAttached(session: Session, containerId: string, run: AttachedRun): Promise<number> {
  const { client } = session;
  const path = `/containers/${containerId}`;
  using _signals = run.sigProxy ? proxySignals(client, containerId) : undefined;
  const ended = new AbortController();
  const waiting = client.open({
    method: "POST",
    path: `${path}/wait`,
    query: { condition: run.removes ? "removed" : "next-exit" },
    signal: ended.signal,
  });
  waiting.catch(() => undefined);
  using connection = await client.hijack({ path: `${path}/attach`, query: attachQuery(run) });
  await using answer = await waiting;
  const piped = pipeStreams(connection, { ...run, stdin: run.streams.stdin, detachKeys: run.detachKeys.bytes });
  // A failed start is what is told; the streams of a container that never ran have nothing to say.
  piped.catch(() => undefined);
  const failed = await startContainer(session, containerId, run.command);
  if (failed !== 0) return failed;
  using _size = run.tty ? (await import("./follow-terminal.ts")).followTerminal(client, path) : undefined;
  if ((await piped) === "detached") {
    ended.abort();
    return 0;
  }
  return await readExitCode(answer.body);
}

export function attachQuery({ streams, detachKeys }: Pick<AttachedRun, "streams" | "detachKeys">) {
  return {
    stream: 1,
    stdin: streams.stdin ? 1 : undefined,
    stdout: streams.stdout ? 1 : undefined,
    stderr: streams.stderr ? 1 : undefined,
    detachKeys: detachKeys.text,
  };
}

/** Keys of `--detach-keys`, or Docker's. @throws CliError for a key there is not */
export function readDetachKeys(flags: Flags): AttachedRun["detachKeys"] {
  const bytes = flags.parsed("detach-keys", parseDetachKeys) ?? parseDetachKeys(defaultDetachKeys);
  return { text: flags.text("detach-keys"), bytes };
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
