import { isTerminal, write } from "../output.ts";
import type { ProgressScreen } from "./progress.ts";

/** Our own standard output or error to draw progress on. */
export function openScreen(fd: 1 | 2): ProgressScreen {
  const stream = fd === 1 ? process.stdout : process.stderr;
  return { terminal: isTerminal(fd), columns: () => stream.columns ?? 80, write: (text) => write(fd, text) };
}
