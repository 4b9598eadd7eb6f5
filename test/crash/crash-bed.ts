import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, rmdir, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";
import { dockerApi } from "#test/support/docker-api.ts";
import { clearState } from "../../scripts/house/clear-state.ts";
import { clearCgroups, removeNetworksOf } from "./clear-machine.ts";
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
  static async create(images: { first: string; second: string }, more = ""): Promise<CrashBed> {
    const bed = new CrashBed(await mkdtemp("/var/tmp/ferry-crash-"), images);
    const config = [
      `version = 1`,
      `[daemon]\nroot = "${bed.root}"\nstate = "${bed.state}"`,
      `[docker]\nsocket = "${bed.#socket}"`,
      `[runtime]\ncgroup_driver = "cgroupfs"\ncgroup_parent = "${bed.cgroupParent}"`,
      `[images]\ncollect_after_ms = 100`,
      more,
    ];
    await writeFile(bed.#configPath, config.join("\n"));
    return bed;
  }

  get cgroupParent(): string {
    return `/${basename(this.directory)}`;
  }

  get #configPath(): string {
    return join(this.directory, "config.toml");
  }

  get #socket(): string {
    return join(this.directory, "docker.sock");
  }

  /** Starts the daemon; settles when it serves. */
  async start(): Promise<void> {
    const program = fileURLToPath(new URL("daemon-process.ts", import.meta.url));
    const options = ["--conditions=source", "--disable-warning=ExperimentalWarning"];
    const child = spawn(process.execPath, [...options, program, this.#configPath], {
      stdio: ["ignore", this.#log, this.#log, "ipc"],
    });
    this.#child = child;
    await this.#message(child, "ready");
  }

  /** Tells the daemon where to die. */
  async arm(point: KillPoint): Promise<void> {
    const child = this.#child;
    if (child === undefined) throw new Error("no daemon to arm");
    child.send(point);
    await this.#message(child, "armed");
  }

  async #message(child: ChildProcess, wanted: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onExit = (code: number | null, signal: string | null) => {
      const said = readFileSync(join(this.directory, "log"), "utf8").slice(-2_000);
      reject(new Error(`daemon ended with ${code ?? signal}: ${said}`));
    };
    child.once("exit", onExit);
    child.on("message", (message) => {
      if (message === wanted) resolve();
    });
    await promise;
    child.removeAllListeners("message");
    child.off("exit", onExit);
  }

  /** Ends the daemon as a crash does. */
  async kill(): Promise<void> {
    this.#child?.kill("SIGKILL");
    await this.died();
  }

  /** Waits until the daemon is dead. @throws Error when it is not after `timeoutMs` */
  async died(timeoutMs = 60_000): Promise<void> {
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
    using api = dockerApi(this.#socket);
    return await api.call(method, `/v1.41${path}`, body);
  }

  /** Loads an archive of images; answers what the daemon said. */
  async load(archive: Uint8Array): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const headers = { "content-type": "application/x-tar", host: "docker" };
    const to = { socketPath: this.#socket, method: "POST", path: "/v1.41/images/load", headers };
    const outgoing = request(to, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      response.on("error", reject).on("end", () => resolve(text));
    });
    outgoing.on("error", reject);
    outgoing.end(archive);
    return await promise;
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
    await this.#clear();
    await mkdir(this.state, { recursive: true });
  }

  /** Ends the daemon as an operator does; containers run on. */
  async stop(): Promise<void> {
    if (!this.alive) return;
    this.#child?.kill("SIGTERM");
    await this.died(15_000).catch(() => this.kill());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.#clear();
    for (const hierarchy of ["", ...(await readdir("/sys/fs/cgroup"))])
      await rmdir(join("/sys/fs/cgroup", hierarchy, this.cgroupParent)).catch(() => {});
    closeSync(this.#log);
    await rm(this.directory, { recursive: true, force: true });
  }

  /** Containers' processes end a moment after they are killed; until then their cgroups cannot go. */
  async #clear(): Promise<void> {
    await clearState(this.state);
    await removeNetworksOf(this.state);
    await clearCgroups(this.cgroupParent);
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
