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

/** A decorator for `compose` that ends the process with SIGKILL at `point`: what a crash there leaves is what a crash leaves. */
export function killAt(point: KillPoint): Decorate {
  const [path = "", inner] = point.at.split(">");
  const [noun = "", method = ""] = path.split(".");
  const trap = new Trap(point);
  const wrap = <T extends object>(target: T): T =>
    inner === undefined ? intercept(target, method, trap) : interceptResult(target, inner, method, trap);
  return <K extends keyof Engine>(name: K, implementation: Engine[K]): Engine[K] => {
    if (name !== noun) return implementation;
    const target: unknown = implementation;
    const wrapped: unknown =
      target instanceof Map ? new Map([...target].map(([key, value]) => [key, wrap(value)])) : wrap(target as object);
    return wrapped as Engine[K];
  };
}

/** Counts calls and kills at the chosen one. */
class Trap {
  readonly #point: KillPoint;
  #calls = 0;

  constructor(point: KillPoint) {
    this.#point = point;
  }

  async around(work: () => unknown): Promise<unknown> {
    this.#calls++;
    const chosen = this.#calls === (this.#point.nth ?? 1);
    if (chosen && this.#point.when === "before") die();
    const result = await work();
    if (chosen && this.#point.when === "after") die();
    return result;
  }
}

function die(): void {
  process.kill(process.pid, "SIGKILL");
}

function intercept<T extends object>(target: T, method: string, trap: Trap): T {
  return proxied(target, method, (original, args) => trap.around(() => original(...args)));
}

function interceptResult<T extends object>(target: T, inner: string, method: string, trap: Trap): T {
  return proxied(target, method, async (original, args) => {
    const result: unknown = await original(...args);
    return typeof result === "object" && result !== null ? intercept(result, inner, trap) : result;
  });
}

type AnyFunction = (...args: unknown[]) => unknown;

/** `target` with one method replaced; private fields go on to work because calls are made on the target itself. */
function proxied<T extends object>(
  target: T,
  method: string,
  replacement: (original: AnyFunction, args: unknown[]) => unknown,
): T {
  if (!(method in target)) throw new Error(`kill point: no method ${method}`);
  return new Proxy(target, {
    get(object, key) {
      const value: unknown = Reflect.get(object, key, object);
      if (typeof value !== "function") return value;
      const original: AnyFunction = value.bind(object);
      return key === method ? (...args: unknown[]) => replacement(original, args) : original;
    },
  });
}
