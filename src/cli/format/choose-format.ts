import { CliError } from "../cli-error.ts";

/** The format that is asked for, the first of `choices` where none is. @throws CliError naming those that there are */
export function chooseFormat<T extends string>(
  wanted: string | undefined,
  choices: readonly [T, ...(readonly T[])],
): T {
  const found = wanted === undefined ? choices[0] : choices.find((choice) => choice === wanted);
  if (found !== undefined) return found;
  throw new CliError(`unknown format ${wanted}`, { next: `one of: ${choices.join(", ")}` });
}
