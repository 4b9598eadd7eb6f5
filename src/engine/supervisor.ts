import { setTimeout as delay } from "node:timers/promises";
import { isKind, messageOf } from "#base/errors.ts";
import type { Logger } from "#base/logger.ts";
import type { Call, Namespace } from "#core/call.ts";
import type { Container, ContainerId } from "#core/containers/container.ts";
import type { Task, TaskExit } from "#core/tasks/runtime.ts";
import { advanceContainer } from "./advance-container.ts";
import { lockContainer } from "./container-lock.ts";
import { ContainerWaiters } from "./container-waiters.ts";
import type { Engine } from "./engine.ts";
import { runHealthChecks } from "./health-check.ts";
import { PendingAttaches } from "./pending-attaches.ts";
import { removeContainer } from "./remove-container.ts";
import { restartByPolicy } from "./start-container.ts";

/** Between attempts to record an exit while the disk is full. */
const fullDiskRetryMs = 1_000;

type Supervised = {
  /** Last restart delay. */
  delayMs: number;
  probes?: AbortController;
  restart?: AbortController;
};

/**
 * Watches running containers: exits, restart policies, health checks, and those who wait for them.
 *
 * One for the whole engine; it holds nothing that a restart of the daemon may lose. Disposing ends every watch and
 * awaits the work in flight; the containers run on.
 */
export class Supervisor implements AsyncDisposable {
  readonly waiters = new ContainerWaiters();
  readonly attaches = new PendingAttaches();
  readonly #log: Logger;
  readonly #closing = new AbortController();
  readonly #work = new Set<Promise<void>>();
  readonly #supervised = new Map<ContainerId, Supervised>();
  #held = false;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Records the exit of `task` when it comes. */
  watch(engine: Engine, container: Container, task: Task): void {
    this.spawn(container, "watch", async (call) => {
      const exit = await task.wait(call);
      for (;;) {
        try {
          return await recordExit(call, engine, container, exit);
        } catch (error) {
          // A disk that is full, perhaps by this very container: nobody else would record its end.
          if (!isKind(error, "resourceExhausted")) throw error;
          call.log.warn({ error: messageOf(error) }, "its exit is not recorded yet");
          await delay(fullDiskRetryMs, undefined, { signal: call.signal });
        }
      }
    });
  }

  /** Begins health checks, in place of any before. */
  probe(engine: Engine, container: Container): void {
    this.endProbes(container.id);
    const probes = new AbortController();
    this.#of(container.id).probes = probes;
    this.#run(container, "health", this.#until(probes), (call) => runHealthChecks(call, engine, container.id));
  }

  endProbes(id: ContainerId): void {
    this.#supervised.get(id)?.probes?.abort();
  }

  /** Until the result is disposed nothing is restarted: recovery starts what the records say is `restarting`. */
  holdRestarts(): Disposable {
    this.#held = true;
    return { [Symbol.dispose]: () => void (this.#held = false) };
  }

  /** Starts the container after `delayMs`, unless cancelled. */
  restartAfter(engine: Engine, container: Container, delayMs: number): void {
    this.cancelRestart(container.id);
    if (this.#held) return;
    const restart = new AbortController();
    this.#of(container.id).restart = restart;
    const signal = this.#until(restart);
    this.#run(container, "restart", signal, async (call) => {
      await delay(delayMs, undefined, { signal });
      // From here on the start is not cut short: a stop that comes now waits for the lock and stops the new process.
      await restartByPolicy({ ...call, signal: this.#closing.signal }, engine, container.id);
    });
  }

  cancelRestart(id: ContainerId): void {
    this.#supervised.get(id)?.restart?.abort();
  }

  /** Removes an `autoRemove` container once its lock is free. */
  removeSoon(engine: Engine, container: Container): void {
    this.spawn(container, "remove", (call) =>
      removeContainer(call, engine, { container: container.id, force: false, removeVolumes: true }),
    );
  }

  /** Work of the daemon's own about a container, until the daemon ends; its failure is logged, since nobody awaits it. */
  spawn(container: Container, what: string, work: (call: Call) => Promise<void>): void {
    this.#run(container, what, this.#closing.signal, work);
  }

  delayMs(id: ContainerId): number {
    return this.#supervised.get(id)?.delayMs ?? 0;
  }

  noteDelay(id: ContainerId, delayMs: number): void {
    if (delayMs !== this.delayMs(id)) this.#of(id).delayMs = delayMs;
  }

  /** The container has gone: nothing of it is kept. */
  forget(id: ContainerId): void {
    this.endProbes(id);
    this.cancelRestart(id);
    this.#supervised.delete(id);
  }

  /** A call of the daemon's own, that ends with it. */
  ownCall(namespace: Namespace): Call {
    return { signal: this.#closing.signal, log: this.#log, namespace };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    while (this.#work.size > 0) await Promise.all(this.#work);
  }

  #of(id: ContainerId): Supervised {
    const known = this.#supervised.get(id) ?? { delayMs: 0 };
    this.#supervised.set(id, known);
    return known;
  }

  #until(controller: AbortController): AbortSignal {
    return AbortSignal.any([controller.signal, this.#closing.signal]);
  }

  #run(container: Container, what: string, signal: AbortSignal, work: (call: Call) => Promise<void>): void {
    const log = this.#log.child({ containerId: container.id });
    const done = work({ signal, log, namespace: container.namespace }).catch((error: unknown) => {
      if (signal.aborted || isKind(error, "notFound", "canceled")) return;
      log.error({ step: what, error: messageOf(error) }, "supervision failed");
    });
    this.#work.add(done);
    void done.finally(() => this.#work.delete(done));
  }
}

async function recordExit(call: Call, engine: Engine, container: Container, exit: TaskExit): Promise<void> {
  using _lock = await lockContainer(call, engine, container.id);
  const current = await engine.containers.find(call, container.id);
  // Another task of the same container may run by now.
  if (current?.status.startedAtNs !== container.status.startedAtNs) return;
  await advanceContainer(call, engine, container.id, { t: "exited", exit });
}
