import { writeSync } from "node:fs";
import { redact } from "#base/errors.ts";
import type { LogFields, Logger } from "#base/logger.ts";

const levels = ["debug", "info", "warn", "error"] as const;
type Level = (typeof levels)[number];

/**
 * JSON lines on `fd` (standard output), written as they come: a crash loses none. A reader that does not keep up or has
 * gone loses lines; it never stops the daemon.
 *
 * Source: the fields' order and names are those of `docs/glossary.md`.
 */
export function openLogger(level: string, fd = 1): Logger {
  const lowest = Math.max(
    0,
    levels.findIndex((name) => name === level),
  );
  return loggerWith("", { fd, lowest });
}

type Sink = { readonly fd: number; readonly lowest: number };

/** `bound`: fields of every line, encoded, with a comma after each. */
function loggerWith(bound: string, sink: Sink): Logger {
  const at = (level: Level) => {
    if (levels.indexOf(level) < sink.lowest) return () => {};
    return (fields: LogFields, message: string) => write(sink.fd, formatLine(level, bound + encode(fields), message));
  };
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: (fields) => loggerWith(bound + encode(fields), sink),
  };
}

function formatLine(level: Level, fields: string, message: string): string {
  return `{"level":"${level}","time":"${new Date().toISOString()}",${fields}"message":${JSON.stringify(redact(message))}}\n`;
}

/** Undefined values are left out, credentials too: a text may come from a library that puts its URL into errors. */
function encode(fields: LogFields): string {
  const text = JSON.stringify(fields, (_name, value: unknown) =>
    typeof value === "string" ? redact(value) : value,
  ).slice(1, -1);
  return text === "" ? "" : `${text},`;
}

function write(fd: number, line: string): void {
  try {
    writeSync(fd, line);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && lostReader.has(String(error.code)))) throw error;
  }
}

/** A full pipe that does not block, and one without a reader. */
const lostReader = new Set(["EAGAIN", "EPIPE"]);
