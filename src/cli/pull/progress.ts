import { sizeText } from "#base/size-text.ts";
import type { ProgressMessage } from "#clients/docker/wire-types.ts";
import { CliError } from "../cli-error.ts";
import { nextStep } from "../next-step.ts";

export type ProgressScreen = {
  readonly terminal: boolean;
  /** Asked for at each line, so that a resized window is seen. */
  readonly columns: () => number;
  readonly write: (text: string) => void;
};

/**
 * Draws the messages of a pull, push or load: one line per layer, redrawn in place on a terminal; elsewhere a line per
 * change, without the bars.
 *
 * @throws CliError with the server's text when a message is an error
 */
export async function drawProgress(messages: AsyncIterable<ProgressMessage>, screen: ProgressScreen): Promise<void> {
  const lines = new ProgressLines(screen);
  for await (const message of messages) lines.show(message);
}

class ProgressLines {
  readonly #screen: ProgressScreen;
  /** Row of each id, counted from the first. */
  readonly #rows = new Map<string, number>();

  constructor(screen: ProgressScreen) {
    this.#screen = screen;
  }

  show(message: ProgressMessage): void {
    const failure = message.errorDetail?.message ?? message.error;
    if (failure !== undefined) throw new CliError(failure, { next: nextStep(failure) });
    if (message.aux !== undefined) return;
    const { terminal, write } = this.#screen;
    if (message.stream !== undefined) {
      this.#rows.clear();
      write(message.stream);
    } else if (!terminal || message.id === undefined || message.id === "") this.#plain(message);
    else this.#draw(message.id, message);
  }

  #plain(message: ProgressMessage): void {
    const isBar = message.progressDetail?.current !== undefined || (message.progress ?? "") !== "";
    if (isBar) return;
    this.#rows.clear();
    const id = message.id === undefined || message.id === "" ? "" : `${message.id}: `;
    this.#screen.write(`${id}${message.status ?? ""}\n`);
  }

  #draw(id: string, message: ProgressMessage): void {
    const { columns, write } = this.#screen;
    let row = this.#rows.get(id);
    if (row === undefined) {
      row = this.#rows.size;
      this.#rows.set(id, row);
      write("\n");
    }
    const up = this.#rows.size - row;
    const width = Math.max(20, columns());
    const text = `${id}: ${message.status ?? ""}`;
    const bar = formatBar(message, width - text.length - 1);
    const line = `${text}${bar === "" ? "" : ` ${bar}`}`.slice(0, width);
    write(`\x1b[${up}A\x1b[2K\r${line}\x1b[${up}B\r`);
  }
}

/** `[=====>     ]  12.3MB/45.6MB` in at most `width` characters; the bar goes first when it is narrow. */
export function formatBar(message: ProgressMessage, width: number): string {
  const { current, total = 0, hidecounts, units } = message.progressDetail ?? {};
  if (current === undefined) return message.progress ?? "";
  if (current <= 0 && total <= 0) return "";
  const size = (value: number) => (units === undefined || units === "" ? sizeText(value, 4) : String(value));
  if (total <= 0) return size(current).padStart(8);
  const isOver = current > total;
  const counts =
    hidecounts === true ? "" : isOver ? size(current).padStart(8) : `${size(current).padStart(8)}/${size(total)}`;
  const suffix = units === undefined || units === "" ? counts : `${counts} ${units}`;
  const percent = isOver ? 100 : (current / total) * 100;
  const cells = width < 110 ? Math.min(50, width - suffix.length - 6) : 50;
  if (cells < 10) return suffix.trim();
  const full = Math.trunc((percent / 100) * cells);
  return `[${"=".repeat(full)}>${" ".repeat(Math.max(0, cells - full))}] ${suffix}`;
}
