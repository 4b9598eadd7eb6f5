import type { ContainerId } from "#core/containers/container.ts";
import type { ContainerExit } from "./wait-container.ts";

type Moment = "exit" | "removal";

/** Those who wait for a container's next exit or its removal. */
export class ContainerWaiters {
  readonly #waiting = new Map<string, Set<(exit: ContainerExit) => void>>();

  /** Settles at the next `moment`; begun when this returns. Aborting `signal` rejects with its reason. */
  next(id: ContainerId, moment: Moment, signal: AbortSignal): Promise<ContainerExit> {
    const { promise, resolve, reject } = Promise.withResolvers<ContainerExit>();
    const key = `${moment}/${id}`;
    const waiting = this.#waiting.get(key) ?? new Set();
    this.#waiting.set(key, waiting);
    const onAbort = () => {
      waiting.delete(onMoment);
      reject(signal.reason as Error);
    };
    const onMoment = (exit: ContainerExit) => {
      signal.removeEventListener("abort", onAbort);
      resolve(exit);
    };
    waiting.add(onMoment);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
    // Whoever began a wait may give it up without looking at its end.
    promise.catch(() => {});
    return promise;
  }

  wake(id: ContainerId, moment: Moment, { exitCode, error }: ContainerExit): void {
    const key = `${moment}/${id}`;
    const waiting = this.#waiting.get(key);
    this.#waiting.delete(key);
    for (const onMoment of waiting ?? []) onMoment({ exitCode, error });
  }
}
