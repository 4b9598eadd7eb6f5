import { spawn, type ChildProcess } from "node:child_process";
import { readdir, readFile, rm } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { expandCommand, type UnitDefinition } from "./unit-definition.ts";

export type ServiceState = "inactive" | "activating" | "active" | "deactivating" | "failed";

/** A listening socket that a service is started with. */
export type SocketToPass = {
  /** Its descriptor. */
  readonly take: () => Promise<number | undefined>;
  /** Called once the service has a copy. */
  readonly letGo: () => Promise<void>;
};

const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const stopTimeoutMs = 90_000;
/** As systemd: five starts in ten seconds, then it is given up. */
const startLimit = { count: 5, withinMs: 10_000 };

/** A service's process: started, watched, started again as its unit says, stopped. */
export class Service {
  state: ServiceState = "inactive";
  isAutoRestarting = false;
  restarts = 0;
  readonly log: string[] = [];
  readonly #starts: number[] = [];
  readonly #onStop: () => void;
  #child: ChildProcess | undefined;
  #definition: UnitDefinition;

  /** `onStop` is told when it ended for good. */
  constructor(definition: UnitDefinition, onStop: () => void) {
    this.#definition = definition;
    this.#onStop = onStop;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Answers whether it came up. `socket` is what activates it, where something does. */
  async start(definition: UnitDefinition, socket?: SocketToPass): Promise<boolean> {
    this.#definition = definition;
    this.#starts.length = 0;
    return await this.#start(socket);
  }

  async stop(): Promise<void> {
    this.isAutoRestarting = false;
    const child = this.#child;
    const hasEnded = child === undefined || child.exitCode !== null || child.signalCode !== null;
    // It may be between its end and its next start.
    if (hasEnded || this.state === "inactive" || this.state === "failed") {
      const wasStarting = this.state === "activating";
      this.state = this.state === "failed" ? "failed" : "inactive";
      if (wasStarting) this.#onStop();
      return;
    }
    this.state = "deactivating";
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    const others = this.#definition.killMode === "process" ? [] : await descendants(child.pid ?? 0);
    for (const pid of [child.pid ?? 0, ...others]) tryKill(pid, "SIGTERM");
    const timer = setTimeout(() => tryKill(child.pid ?? 0, "SIGKILL"), stopTimeoutMs);
    await ended;
    clearTimeout(timer);
    for (const pid of others) tryKill(pid, "SIGKILL");
    this.state = "inactive";
    this.#onStop();
  }

  async #start(socket?: SocketToPass): Promise<boolean> {
    this.state = "activating";
    this.isAutoRestarting = false;
    this.#starts.push(performance.now());
    const { execStartPre, execStart, environment, missingFile, type } = this.#definition;
    if (missingFile !== undefined) return this.#fail(`Failed to load environment files: ${missingFile}`);
    for (const line of execStartPre) {
      const code = await this.#run(line.replace(/^[-+!@:]+/, ""));
      if (code !== 0 && !line.startsWith("-")) return this.#fail(`control process exited, status=${code}`);
    }
    const notify = type === "notify" ? await openNotifySocket() : undefined;
    const argv = expandCommand(execStart.replace(/^[-+!@:]+/, ""), environment);
    const fd = await socket?.take();
    const child = this.#spawn(argv, notify === undefined ? {} : { NOTIFY_SOCKET: notify.path }, fd);
    const exited = new Promise<"exited">((resolve) => child.once("close", () => resolve("exited")));
    child.once("exit", (code, signal) => void this.#exited(child, code ?? signal ?? 0, socket));
    await socket?.letGo();
    if (notify !== undefined && (await Promise.race([notify.ready, exited])) === "exited") {
      notify.close();
      return false;
    }
    notify?.close();
    // It may have ended while it was waited for.
    if (this.#child === child && child.exitCode === null) this.state = "active";
    return true;
  }

  /** Environment as systemd gives it: nothing of the init's own. */
  #spawn(argv: readonly string[], extra: Record<string, string>, fd: number | undefined): ChildProcess {
    const listening = fd === undefined ? [] : ["sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh"];
    const [file = "", ...args] = [...listening, ...argv];
    const env = { PATH: path, ...extra, ...this.#definition.environment };
    const child = spawn(file, args, {
      env: fd === undefined ? env : { ...env, LISTEN_FDS: "1" },
      stdio: ["ignore", "pipe", "pipe", ...(fd === undefined ? [] : [fd])],
      detached: true,
      cwd: "/",
    });
    child.on("error", (error) => this.#say(`Failed to execute ${file}: ${error.message}`));
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding("utf8").on("data", (text: string) => this.#say(text));
    this.#child = child;
    return child;
  }

  async #exited(child: ChildProcess, how: number | string, socket?: SocketToPass) {
    if (this.#child !== child || this.state === "deactivating") return;
    this.#say(`Main process exited, status=${how}`);
    const { restart, restartMs } = this.#definition;
    const again = restart === "always" || (restart === "on-failure" && how !== 0);
    if (!again) {
      this.state = how === 0 ? "inactive" : "failed";
      this.#onStop();
      return;
    }
    this.state = "activating";
    this.isAutoRestarting = true;
    await sleep(restartMs);
    if (!this.isAutoRestarting) return;
    const recent = this.#starts.filter((at) => performance.now() - at < startLimit.withinMs).length;
    if (recent >= startLimit.count) {
      this.#fail("Start request repeated too quickly.");
      this.#onStop();
      return;
    }
    this.restarts++;
    await this.#start(socket);
  }

  async #run(line: string): Promise<number> {
    const child = this.#spawn(expandCommand(line, this.#definition.environment), {}, undefined);
    return await new Promise((resolve) =>
      child.once("close", (code) => resolve(code ?? 1)).once("error", () => resolve(1)),
    );
  }

  #fail(why: string): false {
    this.#say(why);
    this.state = "failed";
    this.isAutoRestarting = false;
    return false;
  }

  /** Forgets that it failed. */
  resetFailed(): void {
    if (this.state === "failed") this.state = "inactive";
  }

  #say(text: string): void {
    for (const line of text.split("\n")) if (line !== "") this.log.push(line);
    this.log.splice(0, Math.max(0, this.log.length - 2_000));
  }
}

/** A datagram socket for sd_notify(3); Node has none, socat does. */
async function openNotifySocket() {
  const socket = `/run/notify-${process.pid}-${Math.random().toString(36).slice(2)}`;
  const child = spawn("socat", ["-u", `UNIX-RECV:${socket}`, "STDOUT"], { stdio: ["ignore", "pipe", "ignore"] });
  const { promise: ready, resolve } = Promise.withResolvers<"ready">();
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    if (text.includes("READY=1")) resolve("ready");
  });
  for (let tries = 0; tries < 6000 && !(await readdir("/run")).includes(socket.slice(5)); tries++) await sleep(10);
  const close = () => {
    child.kill();
    void rm(socket, { force: true });
  };
  return { path: socket, ready, close };
}

async function descendants(pid: number): Promise<number[]> {
  const children = new Map<number, number[]>();
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readFile(`/proc/${name}/stat`, "utf8").catch(() => "");
    const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const found = [pid];
  for (const at of found) found.push(...(children.get(at) ?? []));
  return found.slice(1);
}

function tryKill(pid: number, signal: NodeJS.Signals): void {
  try {
    if (pid > 1) process.kill(pid, signal);
  } catch {
    // It ended by itself meanwhile.
  }
}
