/** Fixed field names of a log line; see docs/glossary.md for what each holds. */
export type LogFields = Record<string, string | number | boolean | undefined | null | readonly string[]>;

/** Where a call's log lines go. error = someone must act; info = one line per finished mutating call; debug = reads. */
export interface Logger {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  /** A logger whose lines carry `fields` too. */
  child(fields: LogFields): Logger;
}

/** Says nothing. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLogger,
};
