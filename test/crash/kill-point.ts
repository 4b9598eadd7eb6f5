import type { Decorate } from "#daemon/compose.ts";
import type { Engine } from "#engine/engine.ts";

/**
 * Where the daemon is to die: `noun.method`, or `noun.method>method` for a method of what that one answers.
 * `content.openWriter>commit` is the commit of an ingest.
 */
export type KillPoint = {
  readonly at: string;
  readonly when: "before" | "after";
  /** The how-manieth call; 1 is the first. */
  readonly nth?: number;
};

type AnyFunction = (...args: unknown[]) => unknown;

/** Ends the process with SIGKILL at the point it was armed with: what a crash there leaves is what a crash leaves. */
export class KillSwitch {
  #point: KillPoint | undefined;
  #calls = 0;

  /** Calls are counted from here. @throws never; a point that does not exist is never reached */
  arm(point: KillPoint): void {
    this.#point = point;
    this.#calls = 0;
  }

  /** For `openDaemon`: every noun, with its calls watched. */
  readonly decorate: Decorate = <K extends keyof Engine>(noun: K, implementation: Engine[K]): Engine[K] => {
    const target: unknown = implementation;
    const watched: unknown =
      target instanceof Map
        ? new Map([...target].map(([key, value]) => [key, this.#watch(noun, value)]))
        : this.#watch(noun, implementation);
    return watched as Engine[K];
  };

  /** `target` with its methods watched; private fields go on to work because calls are made on the target itself. */
  #watch<T extends object>(path: string, target: T): T {
    return new Proxy(target, {
      get: (object, key) => {
        const value: unknown = Reflect.get(object, key, object);
        if (typeof value !== "function" || typeof key === "symbol")
          return typeof value === "function" ? value.bind(object) : value;
        const original: AnyFunction = value.bind(object);
        const separator = path.includes(".") ? ">" : ".";
        const name = `${path}${separator}${key}`;
        return (...args: unknown[]) => this.#call(name, () => original(...args));
      },
    });
  }

  #call(name: string, work: () => unknown): unknown {
    if (this.#point?.at === name) return this.#around(this.#point, work);
    // What it answers is watched too when the point is in there.
    if (this.#point?.at.startsWith(`${name}>`) === true) return this.#inside(name, work);
    return work();
  }

  async #around(point: KillPoint, work: () => unknown): Promise<unknown> {
    this.#calls++;
    const chosen = this.#calls === (point.nth ?? 1);
    if (chosen && point.when === "before") process.kill(process.pid, "SIGKILL");
    const result = await work();
    if (chosen && point.when === "after") process.kill(process.pid, "SIGKILL");
    return result;
  }

  async #inside(name: string, work: () => unknown): Promise<unknown> {
    const result: unknown = await work();
    return typeof result === "object" && result !== null ? this.#watch(name, result) : result;
  }
}
