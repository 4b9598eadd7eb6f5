import { constants } from "node:os";
import { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { TaskStreams } from "#core/tasks/runtime.ts";
import { createExec, startExec } from "#engine/exec.ts";
import type { ExecSyncRequest } from "#gen/runtime/v1/streaming_pb.ts";
import type { Cri } from "./cri.ts";

/** What is kept of each stream; the rest is read and dropped, as the message size asks. */
const maxOutputBytes = 7 * 1024 * 1024;

/**
 * Runs a command to its end; `timeout` in seconds, 0 is none.
 *
 * @throws deadlineExceeded after the timeout; the process is killed then
 */
export async function execSync(call: Call, { engine }: Cri, { containerId, cmd, timeout }: ExecSyncRequest) {
  const record = await createExec(call, engine, {
    container: containerId,
    args: cmd,
    env: [],
    user: "",
    workdir: "",
    tty: false,
    privileged: false,
    attach: { stdin: false, stdout: true, stderr: true },
  });
  const { exec, streams } = await startExec(call, engine, { execId: record.id, detach: false });
  if (streams === undefined || exec.process === undefined) throw new Error("exec: no streams");
  await using _open = streams;
  const { process } = exec;
  const limit = timeout > 0n ? AbortSignal.timeout(Math.min(Number(timeout) * 1000, maxTimerMs)) : undefined;
  const waiting = { ...call, signal: limit === undefined ? call.signal : AbortSignal.any([call.signal, limit]) };
  const output = collect(streams);
  try {
    const exit = await process.wait(waiting);
    const [stdout = Buffer.alloc(0), stderr = Buffer.alloc(0)] = await output.within(waiting.signal);
    return { stdout, stderr, exitCode: exit.exitCode };
  } catch (error) {
    await process
      .kill({ ...call, signal: AbortSignal.timeout(5_000) }, String(constants.signals.SIGKILL))
      .catch(() => {});
    if (limit?.aborted === true) {
      throw new EngineError("deadlineExceeded", `exec in container ${containerId}: not done in ${timeout} s`);
    }
    throw error;
  }
}

/** The longest that Node counts: 49 days. */
const maxTimerMs = 2 ** 32 - 1;

/** How long output is waited for after the process: a child that it left behind may hold its pipes for ever. */
const drainMs = 1_000;

function collect({ stdout, stderr }: TaskStreams) {
  const bodies = [stdout, stderr].map((stream) => {
    const chunks: Buffer[] = [];
    let size = 0;
    stream.on("data", (chunk: Buffer) => {
      const room = maxOutputBytes - size;
      if (room <= 0) return;
      chunks.push(chunk.length > room ? chunk.subarray(0, room) : chunk);
      size += chunk.length;
    });
    const ended = Promise.withResolvers<void>();
    // One that was empty may have ended before anybody listened.
    if (stream.readableEnded || stream.destroyed) ended.resolve();
    stream.once("end", ended.resolve).once("close", ended.resolve).once("error", ended.resolve);
    return { chunks, ended: ended.promise };
  });
  return {
    async within(signal: AbortSignal): Promise<Buffer[]> {
      const late = Promise.withResolvers<void>();
      const timer = setTimeout(late.resolve, drainMs);
      signal.addEventListener("abort", () => late.resolve(), { once: true });
      await Promise.race([Promise.all(bodies.map(({ ended }) => ended)), late.promise]);
      clearTimeout(timer);
      return bodies.map(({ chunks }) => Buffer.concat(chunks));
    },
  };
}
