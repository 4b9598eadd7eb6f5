import { pino } from "pino";
import type { LogFields, Logger } from "#base/logger.ts";

/** JSON lines on standard output, written as they come: a crash loses none. */
export function openLogger(level: string): Logger {
  const options = {
    level,
    base: null,
    formatters: { level: (label: string) => ({ level: label }) },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    messageKey: "message",
  };
  return wrap(pino(options, pino.destination({ dest: 1, sync: true })));
}

type Sink = Pick<ReturnType<typeof pino>, "debug" | "info" | "warn" | "error" | "child">;

function wrap(sink: Sink): Logger {
  return {
    debug: (fields, message) => sink.debug(fields, message),
    info: (fields, message) => sink.info(fields, message),
    warn: (fields, message) => sink.warn(fields, message),
    error: (fields, message) => sink.error(fields, message),
    child: (fields: LogFields) => wrap(sink.child(fields)),
  };
}
