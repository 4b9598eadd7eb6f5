import { constants } from "node:os";
import { EngineError } from "#base/errors.ts";

/** A signal as `SIGTERM`, from `SIGTERM`, `TERM`, `term` or `15`. @throws invalidArgument with Docker's text */
export function parseSignal(text: string): string {
  const number = /^\d+$/.test(text) ? Number(text) : undefined;
  if (number !== undefined && number >= realTimeMin && number <= realTimeMax) return String(number);
  const named = number === undefined ? `SIG${text.toUpperCase().replace(/^SIG/, "")}` : nameOf(number);
  if (named !== undefined && (Object.hasOwn(constants.signals, named) || realTime.test(named))) return named;
  throw new EngineError("invalidArgument", `Invalid signal: ${text}`);
}

/** @throws invalidArgument */
export function signalNumber(signal: string): number {
  const parsed = parseSignal(signal);
  if (/^\d+$/.test(parsed)) return Number(parsed);
  const known = Object.entries(constants.signals).find(([name]) => name === parsed);
  if (known !== undefined) return known[1];
  const [, base, offset = "0"] = realTime.exec(parsed) ?? [];
  return base === "MIN" ? realTimeMin + Number(offset) : realTimeMax - Number(offset);
}

// As the C library counts them: the kernel's first two are its own. Source: signal(7).
const realTimeMin = 34;
const realTimeMax = 64;
const realTime = /^SIGRT(MIN(?=\+|$)|MAX(?=-|$))(?:[+-](\d{1,2}))?$/;

function nameOf(number: number): string | undefined {
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0];
}
