import { setTimeout as delay } from "node:timers/promises";
import { nowNs } from "#base/clock.ts";
import { isKind, messageOf } from "#base/errors.ts";
import { detachedCall, type Call } from "#core/call.ts";
import type { HealthCheck } from "#core/containers/container-config.ts";
import type { HealthLogEntry } from "#core/containers/container-status.ts";
import type { Container, ContainerId } from "#core/containers/container.ts";
import type { TaskStreams } from "#core/tasks/runtime.ts";
import { advanceContainer } from "./advance-container.ts";
import { lockContainer } from "./container-lock.ts";
import type { Engine } from "./engine.ts";
import { createExec, startExec } from "./exec.ts";
import { newHealth, probeDelayMs } from "./health-status.ts";

/** What is kept of a probe's output, as Docker does. */
const maxOutputBytes = 4096;

/** Probes a running container until `call.signal` is aborted or it has no health check any more. */
export async function runHealthChecks(call: Call, engine: Engine, id: ContainerId): Promise<void> {
  for (;;) {
    const container = await engine.containers.find(call, id);
    const check = container?.config.health;
    if (container === undefined || check === undefined) return;
    const upMs = Number((nowNs() - (container.status.startedAtNs ?? nowNs())) / 1_000_000n);
    await delay(probeDelayMs(container.status.health ?? newHealth, check, upMs), undefined, { signal: call.signal });
    const entry = await probe(call, engine, container, check);
    using _lock = await lockContainer(call, engine, id);
    // The container may have ended, and a new loop begun, while this one waited.
    call.signal.throwIfAborted();
    await advanceContainer(call, engine, id, { t: "probed", entry });
  }
}

async function probe(call: Call, engine: Engine, container: Container, check: HealthCheck): Promise<HealthLogEntry> {
  const startedAtNs = nowNs();
  const done = (exitCode: number, output: string) => ({ startedAtNs, endedAtNs: nowNs(), exitCode, output });
  try {
    return await runProbe(call, engine, container, check, done);
  } catch (error) {
    if (call.signal.aborted || isKind(error, "canceled")) throw error;
    return done(-1, messageOf(error));
  }
}

async function runProbe(
  call: Call,
  engine: Engine,
  container: Container,
  check: HealthCheck,
  done: (exitCode: number, output: string) => HealthLogEntry,
): Promise<HealthLogEntry> {
  const created = await createExec(call, engine, {
    container: container.id,
    args: probeArgs(check),
    env: [],
    user: "",
    workdir: "",
    tty: false,
    privileged: false,
    attach: { stdin: false, stdout: true, stderr: true },
  });
  const { exec, streams } = await startExec(call, engine, { execId: created.id, detach: false });
  await using _streams = streams;
  const output = streams === undefined ? undefined : collectOutput(streams);
  const timeout = AbortSignal.timeout(check.timeoutMs);
  try {
    const signal = AbortSignal.any([call.signal, timeout]);
    const exit = await exec.process?.wait({ ...call, signal });
    await output?.ended;
    return done(exit?.exitCode ?? -1, output?.text() ?? "");
  } catch (error) {
    // A probe never outlives its loop.
    await exec.process?.kill(detachedCall(call), "SIGKILL").catch(() => {});
    if (!timeout.aborted) throw error;
    const said = output?.text() ?? "";
    return done(
      -1,
      `Health check exceeded timeout (${formatSeconds(check.timeoutMs)})${said === "" ? "" : `: ${said}`}`,
    );
  }
}

function probeArgs({ test }: HealthCheck): string[] {
  const [kind, ...args] = test;
  return kind === "CMD-SHELL" ? ["/bin/sh", "-c", ...args] : args;
}

/** Both streams in the order they come; what is beyond the bound is read and dropped, so that the probe never blocks. */
function collectOutput({ stdout, stderr }: TaskStreams): { text: () => string; ended: Promise<unknown> } {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  const collect = async (stream: AsyncIterable<Uint8Array>) => {
    for await (const chunk of stream) {
      if (sizeBytes < maxOutputBytes) chunks.push(chunk);
      sizeBytes += chunk.length;
    }
  };
  const ended = Promise.allSettled([collect(stdout), collect(stderr)]);
  return { ended, text: () => Buffer.concat(chunks).subarray(0, maxOutputBytes).toString("utf8") };
}

function formatSeconds(ms: number): string {
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`;
}
