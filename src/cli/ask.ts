import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { write } from "./output.ts";

/** Asks a person at the terminal; `hidden` does not show what is typed. */
export async function ask(question: string, hidden = false): Promise<string> {
  write(2, question);
  const mute = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: hidden ? mute : process.stderr, terminal: true });
  lines.once("SIGINT", () => process.exit(130));
  try {
    return (await lines.question("")).trim();
  } finally {
    lines.close();
    if (hidden) write(2, "\n");
  }
}

/** Docker's question before something is removed; anything but `y` is no. */
export async function confirm(warning: string): Promise<boolean> {
  write(1, `${warning}\nAre you sure you want to continue? [y/N] `);
  const lines = createInterface({ input: process.stdin });
  try {
    for await (const line of lines) return /^y(es)?$/i.test(line.trim());
    return false;
  } finally {
    lines.close();
  }
}
