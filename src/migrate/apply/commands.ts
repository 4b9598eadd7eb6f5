import { spawn } from "node:child_process";
import { EngineError, errnoOf } from "#base/errors.ts";
import type { Call } from "../call.ts";

/** How a command ended and what it wrote. */
export type CommandResult = {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
};

/** Runs the node's own tools (`systemctl`, `modprobe`, `apt-get`, …). */
export class Commands {
  readonly #environment: NodeJS.ProcessEnv;

  /** `environment` is what commands see; its PATH says which tools they are. */
  constructor(environment: NodeJS.ProcessEnv) {
    this.#environment = { ...environment, LC_ALL: "C", SYSTEMD_PAGER: "", SYSTEMD_COLORS: "0" };
  }

  /** Runs to the end, whatever the exit code. @throws notFound when there is no such tool */
  async try(call: Call, argv: readonly string[]): Promise<CommandResult> {
    const [file = "", ...args] = argv;
    const { promise, resolve, reject } = Promise.withResolvers<CommandResult>();
    const child = spawn(file, args, {
      env: this.#environment,
      stdio: ["ignore", "pipe", "pipe"],
      signal: call.signal,
    });
    let [stdout, stderr] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout = keep(stdout + text)));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr = keep(stderr + text)));
    child.on("error", (error) => {
      if (errnoOf(error) !== "ENOENT") reject(error);
      else reject(new EngineError("notFound", `command ${file}: not installed`, { cause: error }));
    });
    child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
    return await promise;
  }

  /** Standard output. @throws internal with what the tool wrote when it fails @throws notFound as try */
  async run(call: Call, argv: readonly string[]): Promise<string> {
    const { code, signal, stdout, stderr } = await this.try(call, argv);
    if (code === 0) return stdout;
    const end = code === null ? `ended by ${signal ?? "a signal"}` : `exit ${code}`;
    const said = (stderr.trim() || stdout.trim()).split("\n").slice(-12).join("\n");
    throw new EngineError("internal", `${argv.join(" ")}: ${end}${said === "" ? "" : `: ${said}`}`);
  }

  /** Whether the tool is there. */
  async has(call: Call, name: string): Promise<boolean> {
    return (await this.try(call, ["sh", "-c", 'command -v "$1" >/dev/null', "sh", name])).code === 0;
  }
}

/** The last megabyte: enough for any message. */
function keep(text: string): string {
  return text.length > 1 << 21 ? text.slice(-(1 << 20)) : text;
}
