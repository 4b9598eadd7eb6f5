import test from "node:test";
import type { HealthCheck, RestartPolicy } from "#core/containers/container-config.ts";
import { newStatus } from "#core/containers/container-status.ts";
import { playScript } from "#test/support/trace-script.ts";
import { step, type Effect, type MachineEvent, type MachineState } from "./container-machine.ts";

test("a container lives as the script says", async () => {
  await playScript("container-machine.txt", () => {
    let state: MachineState = {
      status: newStatus,
      restart: { name: "no", maxRetries: 0 },
      autoRemove: false,
      healthCheck: undefined,
      delayMs: 0,
    };
    return {
      play(words) {
        const [verb = "", ...rest] = words;
        const fields = new Map(rest.map((word) => [word.split("=")[0] ?? "", word.split("=")[1] ?? ""]));
        if (verb === "with") {
          state = { ...state, ...setUp(fields) };
          return [];
        }
        const next = step(state, toEvent(verb, fields));
        state = next.state;
        return [formatState(state), ...next.effects.map((effect) => `> ${formatEffect(effect)}`)];
      },
    };
  });
});

type Fields = ReadonlyMap<string, string>;

function setUp(fields: Fields): Partial<MachineState> {
  const [name = "no", maxRetries = "0"] = (fields.get("restart") ?? "no").split(":");
  const healthCheck: HealthCheck = {
    test: ["CMD", "true"],
    intervalMs: 30_000,
    timeoutMs: 30_000,
    startPeriodMs: Number(fields.get("startPeriodMs") ?? 0),
    startIntervalMs: 5_000,
    retries: Number(fields.get("retries") ?? 3),
  };
  return {
    restart: { name: name as RestartPolicy["name"], maxRetries: Number(maxRetries) },
    autoRemove: fields.has("autoRemove"),
    healthCheck: fields.has("health") ? healthCheck : undefined,
  };
}

/** `at` is in milliseconds. */
function toEvent(verb: string, fields: Fields): MachineEvent {
  const number = (key: string) => Number(fields.get(key) ?? 0);
  const atNs = BigInt(number("at")) * 1_000_000n;
  switch (verb) {
    case "started":
      return { t: "started", pid: number("pid"), atNs, byUser: fields.has("byUser") };
    case "startFailed":
      return { t: "startFailed", exitCode: number("code"), error: fields.get("error") ?? "" };
    case "exited":
      return {
        t: "exited",
        exit: { exitCode: number("code"), exitedAtNs: atNs, oomKilled: fields.has("oom") },
      };
    case "probed":
      return {
        t: "probed",
        entry: { startedAtNs: atNs, endedAtNs: atNs, exitCode: number("code"), output: "" },
      };
    case "adopted":
      return { t: "adopted", pid: number("pid"), paused: fields.has("paused") };
    case "prepared":
    case "stopAsked":
    case "paused":
    case "resumed":
      return { t: verb };
    case "removing":
      return { t: verb, volumes: fields.has("volumes") };
    default:
      throw new Error(`script: no event ${verb}`);
  }
}

function formatState({ status, delayMs }: MachineState): string {
  const parts: string[] = [status.state];
  if (status.pid !== 0) parts.push(`pid=${status.pid}`);
  if (status.exitCode !== 0) parts.push(`code=${status.exitCode}`);
  if (status.oomKilled) parts.push("oom");
  if (status.error !== "") parts.push(`error=${status.error}`);
  if (status.restartCount !== 0) parts.push(`restarts=${status.restartCount}`);
  if (status.stoppedByUser) parts.push("stoppedByUser");
  if (status.health !== undefined) {
    parts.push(`${status.health.status}(${status.health.failingStreak},${status.health.log.length})`);
  }
  if (status.removesVolumes === true) parts.push("volumes");
  if (delayMs !== 0) parts.push(`delay=${delayMs}`);
  return parts.join(" ");
}

function formatEffect(effect: Effect): string {
  const { t, ...fields } = effect;
  const text = Object.entries(fields).map(([key, value]) =>
    typeof value === "object"
      ? Object.entries(value).map(([name, it]) => `${name}=${String(it)}`)
      : [`${key}=${value}`],
  );
  return [t, ...text.flat()].join(" ");
}
