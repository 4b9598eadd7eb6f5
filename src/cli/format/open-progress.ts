import { isTerminal, write } from "../output.ts";

/** A line on standard error that is written over; nothing where that is no terminal. */
export function openProgress(): Disposable & { show: (text: string) => void } {
  if (!isTerminal(2)) return { show() {}, [Symbol.dispose]() {} };
  return {
    show: (text) => write(2, `\r\x1b[K${text}`),
    [Symbol.dispose]: () => write(2, "\r\x1b[K"),
  };
}
