import { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { Runtime, RuntimeFeatures, Task, TaskRef, TaskSpec } from "./runtime.ts";

/** Several runtimes as one: a task is made by the one that has its handler, and found wherever it is. */
export class RuntimeByHandler implements Runtime {
  readonly defaultHandler: string;
  readonly #runtimes: readonly [Runtime, ...Runtime[]];

  /**
   * The first has every bundle's directory for the caller's files, and the default handler unless one is named.
   *
   * @throws failedPrecondition when nobody has the default handler
   */
  constructor(runtimes: readonly [Runtime, ...Runtime[]], defaultHandler?: string) {
    this.#runtimes = runtimes;
    this.defaultHandler = defaultHandler ?? runtimes[0].defaultHandler;
    if (this.#find(this.defaultHandler) === undefined)
      throw new EngineError("failedPrecondition", `default runtime ${this.defaultHandler}: not configured`);
  }

  features(): readonly RuntimeFeatures[] {
    return this.#runtimes.flatMap((runtime) => runtime.features());
  }

  expect(): void {
    for (const runtime of this.#runtimes) runtime.expect();
  }

  async create(call: Call, spec: TaskSpec): Promise<Task> {
    const runtimeHandler = spec.runtimeHandler ?? this.defaultHandler;
    const runtime = this.#find(runtimeHandler);
    if (runtime !== undefined) {
      if ((await this.find(call, spec)) !== undefined)
        throw new EngineError("alreadyExists", `task ${spec.containerId}: already there`);
      return await runtime.create(call, { ...spec, runtimeHandler });
    }
    const known = this.features().map(({ name }) => name);
    throw new EngineError(
      "invalidArgument",
      `unknown or invalid runtime name: ${runtimeHandler} (there are: ${known.join(", ")})`,
    );
  }

  async find(call: Call, ref: TaskRef): Promise<Task | undefined> {
    for (const runtime of this.#runtimes) {
      const task = await runtime.find(call, ref);
      if (task !== undefined) return task;
    }
    return undefined;
  }

  async list(): Promise<TaskRef[]> {
    return (await Promise.all(this.#runtimes.map((runtime) => runtime.list()))).flat();
  }

  async recover(call: Call): Promise<void> {
    for (const runtime of this.#runtimes) await runtime.recover(call);
  }

  bundlePath(ref: TaskRef): string {
    return this.#runtimes[0].bundlePath(ref);
  }

  #find(handler: string): Runtime | undefined {
    return this.#runtimes.find((runtime) => runtime.features().some(({ name }) => name === handler));
  }
}
