import { reportError } from "./report-error.ts";
import { print } from "./output.ts";

/**
 * Does the same for every argument, all at once, and prints each one's line in the order they were given; one that
 * fails is reported and the others go on.
 */
export async function eachArgument(
  args: readonly string[],
  command: string,
  act: (arg: string) => Promise<string | undefined>,
): Promise<number> {
  const done = await Promise.allSettled(args.map(act));
  let exitCode = 0;
  for (const one of done) {
    if (one.status === "rejected") exitCode = Math.max(1, reportError(one.reason, command));
    else if (one.value !== undefined) print(one.value);
  }
  return exitCode;
}

/** Path segment of a name or id. */
export function segment(name: string): string {
  return encodeURIComponent(name.replace(/^\//, ""));
}
