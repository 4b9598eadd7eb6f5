import { spawn, type ChildProcess } from "node:child_process";
import { openSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";
import { dockerApi } from "#test/support/docker-api.ts";
import { clearState } from "../../scripts/house/clear-state.ts";
import type { KillPoint } from "./kill-point.ts";

/** A daemon with directories of its own that can be killed and started again, and a client of it. */
export class CrashBed implements AsyncDisposable {
  readonly image: string;
  readonly secondImage: string;
  readonly directory: string;
  readonly root: string;
  readonly state: string;
  readonly #log: number;
  #child: ChildProcess | undefined;

  private constructor(directory: string, images: { first: string; second: string }) {
    this.directory = directory;
    this.root = join(directory, "root");
    this.state = join(directory, "state");
    this.image = images.first;
    this.secondImage = images.second;
    this.#log = openSync(join(directory, "log"), "a");
  }

  /** Makes the directories; `start` starts the daemon. The caller disposes it. */
  static async create(images: { first: string; second: string }): Promise<CrashBed> {
    const bed = new CrashBed(await mkdtemp("/var/tmp/ferry-crash-"), images);
    const config = `version = 1\n[daemon]\nroot = "${bed.root}"\nstate = "${bed.state}"\n`;
    await writeFile(bed.#configPath, config);
    return bed;
  }

  get #configPath(): string {
    return join(this.directory, "config.toml");
  }

  /** Starts the daemon, armed with `point` if given; settles when it serves. */
  async start(point?: KillPoint): Promise<void> {
    const program = fileURLToPath(new URL("daemon-process.ts", import.meta.url));
    const armed = point === undefined ? [] : [JSON.stringify(point)];
    const options = ["--conditions=source", "--disable-warning=ExperimentalWarning"];
    const child = spawn(process.execPath, [...options, program, this.#configPath, ...armed], {
      stdio: ["ignore", "pipe", this.#log],
    });
    this.#child = child;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    child.once("exit", (code, signal) =>
      reject(new Error(`daemon ended with ${code ?? signal}; see ${this.directory}/log`)),
    );
    child.stdout?.on("data", (chunk: Buffer) => {
      if (chunk.includes("ready")) resolve();
    });
    await promise;
  }

  /** Ends the daemon as a crash does. */
  async kill(): Promise<void> {
    this.#child?.kill("SIGKILL");
    await this.died(5_000);
  }

  /** Waits until the daemon is dead. @throws Error when it is not after `timeoutMs` */
  async died(timeoutMs: number): Promise<void> {
    for (let waited = 0; this.#child?.exitCode === null && this.#child.signalCode === null; waited += 10) {
      if (waited > timeoutMs) throw new Error(`the daemon did not die in ${timeoutMs} ms`);
      await sleep(10);
    }
  }

  /** Whether it still runs. */
  get alive(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  async call(method: string, path: string, body?: unknown): Promise<unknown> {
    using api = dockerApi(join(this.state, "docker.sock"));
    return await api.call(method, `/v1.41${path}`, body);
  }

  async pull(image: string): Promise<void> {
    const text = JSON.stringify(await this.call("POST", `/images/create?fromImage=${encodeURIComponent(image)}`));
    if (text.includes("errorDetail")) throw new Error(`pull ${image}: ${text.slice(-400)}`);
  }

  /** Runs a command in a container; answers its exit code. */
  async execute(name: string, argv: readonly string[]): Promise<number> {
    const made = await this.call("POST", `/containers/${name}/exec`, { Cmd: argv });
    const id = String(field(made, "Id"));
    await this.call("POST", `/exec/${id}/start`, { Detach: true });
    for (;;) {
      const exec = await this.call("GET", `/exec/${id}/json`);
      if (field(exec, "Running") === false) return Number(field(exec, "ExitCode"));
      await sleep(20);
    }
  }

  async logs(name: string): Promise<string> {
    return String(await this.call("GET", `/containers/${name}/logs?stdout=1&stderr=1`));
  }

  /** What a reboot leaves: no processes, no state directory. The daemon must be down. */
  async reboot(): Promise<void> {
    await clearState(this.state);
    await mkdir(this.state, { recursive: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.alive) {
      this.#child?.kill("SIGTERM");
      await this.died(15_000).catch(() => this.kill());
    }
    await clearState(this.state);
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** Value at a path of keys in decoded JSON; undefined where there is none. */
export function field(value: unknown, ...path: string[]): unknown {
  let at = value;
  for (const key of path) {
    if (typeof at !== "object" || at === null || !(key in at)) return undefined;
    at = Reflect.get(at, key);
  }
  return at;
}
