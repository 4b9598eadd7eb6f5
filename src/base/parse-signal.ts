import { constants } from "node:os";
import { EngineError } from "./errors.ts";

/** `SIGTERM`, `term` or `15`, real-time ones as `SIGRTMIN+3`. @throws invalidArgument */
export function parseSignal(text: string): number {
  const upper = text.toUpperCase();
  const name = upper.startsWith("SIG") ? upper : `SIG${upper}`;
  const byName = Object.entries(constants.signals).find(([known]) => known === name)?.[1];
  const realtime = /^SIGRT(MIN|MAX)(?:([+-])(\d{1,2}))?$/.exec(name);
  const offset = Number(`${realtime?.[2] ?? "+"}${realtime?.[3] ?? "0"}`);
  // 34 and 64: glibc keeps two for itself.
  const number =
    realtime === null
      ? (byName ?? (/^\d{1,2}$/.test(text) ? Number(text) : 0))
      : offset + (realtime[1] === "MIN" ? 34 : 64);
  if (number >= 1 && number <= 64) return number;
  throw new EngineError("invalidArgument", `invalid signal: ${text}`);
}
