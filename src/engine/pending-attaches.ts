import type { ContainerId } from "#core/containers/container.ts";
import type { Task } from "#core/tasks/runtime.ts";

type Connect = (task: Task) => Promise<void>;

/** Attaches that came before the process: they are connected between its making and its start. */
export class PendingAttaches {
  readonly #pending = new Map<ContainerId, Set<Connect>>();

  /** `connect` is called once, with the next task; it does not throw. Disposing takes it back. */
  add(id: ContainerId, connect: Connect): Disposable {
    const pending = this.#pending.get(id) ?? new Set();
    this.#pending.set(id, pending);
    pending.add(connect);
    return {
      [Symbol.dispose]: () => {
        pending.delete(connect);
        if (pending.size === 0 && this.#pending.get(id) === pending) this.#pending.delete(id);
      },
    };
  }

  async connect(id: ContainerId, task: Task): Promise<void> {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    await Promise.all([...(pending ?? [])].map((connect) => connect(task)));
  }
}
