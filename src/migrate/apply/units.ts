import { EngineError } from "#base/errors.ts";
import type { Call } from "../call.ts";
import type { Commands } from "./commands.ts";

/** systemd's answer to `is-active`; `unknown` for a unit it has no file of. */
export type ActiveState = "active" | "inactive" | "failed" | "activating" | "deactivating" | "reloading" | "unknown";

/** The init system's units, through `systemctl` and `journalctl`. Source: systemctl(1). */
export class Units {
  readonly #commands: Commands;

  constructor(commands: Commands) {
    this.#commands = commands;
  }

  async activeState(call: Call, unit: string): Promise<ActiveState> {
    const { stdout } = await this.#commands.try(call, ["systemctl", "is-active", unit]);
    const state = stdout.trim();
    return states.find((known) => known === state) ?? "unknown";
  }

  async isActive(call: Call, unit: string): Promise<boolean> {
    return (await this.activeState(call, unit)) === "active";
  }

  /** Whether it has ended by itself and systemd waits to start it again. */
  async isCrashing(call: Call, unit: string): Promise<boolean> {
    const { stdout } = await this.#commands.try(call, ["systemctl", "show", "--property", "SubState", unit]);
    return stdout.trim() === "SubState=auto-restart";
  }

  /** `enabled`, `disabled`, `static`, `masked`, …; `not-found` where there is no such unit. */
  async enabledState(call: Call, unit: string): Promise<string> {
    const { stdout } = await this.#commands.try(call, ["systemctl", "is-enabled", unit]);
    return stdout.trim() || "not-found";
  }

  async reload(call: Call): Promise<void> {
    await this.#commands.run(call, ["systemctl", "daemon-reload"]);
  }

  /** @throws unavailable with the unit's last journal lines when it does not come up */
  async start(call: Call, unit: string, how: "start" | "restart" = "start"): Promise<void> {
    // A unit that failed too often is refused until its counter is reset.
    await this.#commands.try(call, ["systemctl", "reset-failed", unit]);
    const { code, stderr } = await this.#commands.try(call, ["systemctl", how, unit]);
    if (code === 0) return;
    const lines = await this.journal(call, unit);
    throw new EngineError("unavailable", `unit ${unit}: did not start: ${stderr.trim()}${indent(lines)}`);
  }

  async stop(call: Call, unit: string): Promise<void> {
    if ((await this.activeState(call, unit)) === "unknown") return;
    const { code, stderr } = await this.#commands.try(call, ["systemctl", "stop", unit]);
    // `is-active` calls a unit without a file inactive; only stop says that it is not loaded.
    if (code === 0 || code === 5) return;
    throw new EngineError("internal", `unit ${unit}: did not stop: ${stderr.trim()}`);
  }

  /** Enables, disables or masks for the next boot; running is left as it is. */
  async set(call: Call, verb: "enable" | "disable" | "mask" | "unmask", unit: string): Promise<void> {
    await this.#commands.run(call, ["systemctl", verb, unit]);
  }

  /** Its last lines; empty where no journal can be read. */
  async journal(call: Call, unit: string, lines = 30): Promise<string[]> {
    const argv = ["journalctl", "--unit", unit, "--lines", String(lines), "--no-pager", "--output", "cat"];
    try {
      const { stdout } = await this.#commands.try(call, argv);
      return stdout.split("\n").filter((line) => line !== "");
    } catch {
      return [];
    }
  }
}

const states: readonly ActiveState[] = ["active", "inactive", "failed", "activating", "deactivating", "reloading"];

function indent(lines: readonly string[]): string {
  return lines.map((line) => `\n    ${line}`).join("");
}
