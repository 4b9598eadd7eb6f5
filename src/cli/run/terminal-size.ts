import { isTerminal } from "../output.ts";

/** Size of the terminal on standard output as `[height, width]`; undefined without one. */
export function terminalSize(): readonly [number, number] | undefined {
  if (!isTerminal(1)) return undefined;
  const [width, height] = process.stdout.getWindowSize();
  return [height, width];
}
