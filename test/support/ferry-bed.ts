import { spawn } from "node:child_process";
import { existsSync, openSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { join } from "node:path";
import { clearState } from "../../scripts/house/clear-state.ts";
import { removeNetworksOf } from "../crash/clear-machine.ts";
import { startDaemon } from "./processes.ts";

/** How a command ended and what it wrote. */
export type Output = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

/** What an API answered; a JSON body is decoded. */
export type Reply = { readonly status: number; readonly body: unknown };

export type FerryBedOptions = {
  /** Directory of `ferry` and `ferryd`; this checkout's `bin` by default. */
  readonly bin?: string;
  /** More lines of its configuration file. */
  readonly config?: string;
  /** Where it keeps things, when not with the rest of its own. */
  readonly root?: string;
};

const checkout = new URL("../../bin", import.meta.url).pathname;

/** A ferryd of its own, started by its launcher as a user starts it, and `ferry` to talk to it. */
export class FerryBed implements AsyncDisposable {
  readonly directory: string;
  readonly root: string;
  readonly state: string;
  readonly bin: string;
  #daemon: (AsyncDisposable & { readonly pid: number }) | undefined;

  private constructor(directory: string, { bin = checkout, root = join(directory, "root") }: FerryBedOptions) {
    this.directory = directory;
    this.root = root;
    this.state = join(directory, "state");
    this.bin = bin;
  }

  /** Starts it; disposing stops it and everything that it runs. */
  static async open(options: FerryBedOptions = {}): Promise<FerryBed> {
    await using undo = new AsyncDisposableStack();
    const bed = undo.use(new FerryBed(await mkdtemp("/var/tmp/ferry-bed-"), options));
    await mkdir(bed.certificates);
    const lines = [
      `version = 1`,
      `[daemon]\nroot = "${bed.root}"\nstate = "${bed.state}"`,
      `[docker]\nsocket = "${bed.socket}"`,
      `[images]\ncerts_directories = ["${bed.certificates}"]`,
      options.config ?? "",
    ];
    await writeFile(bed.configPath, `${lines.join("\n")}\n`);
    await bed.start();
    undo.move();
    return bed;
  }

  get configPath(): string {
    return join(this.directory, "config.toml");
  }

  get socket(): string {
    return join(this.directory, "docker.sock");
  }

  /** Where it looks for `HOST:PORT/hosts.toml`. */
  get certificates(): string {
    return join(this.directory, "certs.d");
  }

  get pid(): number {
    return this.#daemon?.pid ?? 0;
  }

  async start(env: NodeJS.ProcessEnv = {}): Promise<void> {
    const log = openSync(join(this.directory, "log"), "a");
    const ready = async () => existsSync(this.socket) && (await this.api("GET", "/_ping")).status === 200;
    const argv = [join(this.bin, "ferryd"), "--config", this.configPath];
    this.#daemon = await startDaemon(argv, ready, { log, env: { ...process.env, ...env } });
  }

  /** SIGTERM, and waits for its end. */
  async stop(): Promise<void> {
    await this.#daemon?.[Symbol.asyncDispose]();
    this.#daemon = undefined;
  }

  /** SIGKILL; what it runs goes on. */
  async kill(): Promise<void> {
    process.kill(this.pid, "SIGKILL");
    await this.stop();
  }

  async log(): Promise<string> {
    return await readFile(join(this.directory, "log"), "utf8");
  }

  /** Runs `ferry` to its end, with a home directory of the bed's own. */
  async ferry(words: readonly string[], options: { stdin?: string; env?: NodeJS.ProcessEnv } = {}): Promise<Output> {
    const argv = [join(this.bin, "ferry"), "--host", `unix://${this.socket}`, ...words];
    return await runToEnd(argv, { ...options, env: { HOME: this.directory, ...options.env } });
  }

  /** The output of a `ferry` command. @throws Error when it fails */
  async run(...words: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.ferry(words);
    if (code !== 0) throw new Error(`ferry ${words.join(" ")}: ${code}: ${stderr}`);
    return stdout.trim();
  }

  /** Sends a request to Docker's socket; a string body is sent as it is. */
  async api(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Reply> {
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    const type = { "content-type": "application/json", host: "docker" };
    const options = { socketPath: this.socket, method, path, headers: { ...type, ...headers }, agent: false };
    const outgoing = request(options, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body: parseOr(text) }));
      response.on("error", reject);
    });
    outgoing.on("error", reject);
    outgoing.end(body === undefined || typeof body === "string" ? body : JSON.stringify(body));
    return await promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await clearState(this.state);
    await removeNetworksOf(this.state);
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** Runs a command to its end; one that takes longer than `timeoutMs`, five minutes by default, is killed. */
export async function runToEnd(
  argv: readonly string[],
  options: { env?: NodeJS.ProcessEnv; stdin?: string; cwd?: string; timeoutMs?: number } = {},
): Promise<Output> {
  const [file = "", ...args] = argv;
  const { stdin = "", cwd } = options;
  const env = { ...process.env, ...options.env };
  const child = spawn(file, args, {
    env,
    timeout: options.timeoutMs ?? 300_000,
    killSignal: "SIGKILL",
    ...(cwd === undefined ? {} : { cwd }),
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  child.stdin.on("error", () => {});
  child.stdin.end(stdin);
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.on("error", reject).on("close", resolve);
  return { code: await promise, stdout, stderr };
}

function parseOr(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
