/** What a person did wrong or can mend: one line, and what to do next. */
export class CliError extends Error {
  readonly exitCode: number;
  /** A command to type or a thing to look at; printed on a line of its own. */
  readonly next: string | undefined;

  constructor(message: string, options: { exitCode?: number; next?: string | undefined; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = "CliError";
    this.exitCode = options.exitCode ?? 1;
    this.next = options.next;
  }
}
