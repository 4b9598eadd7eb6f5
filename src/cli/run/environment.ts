import { readFileSync } from "node:fs";
import { CliError } from "../cli-error.ts";

/**
 * Variables for a container: those of files first, then those given one by one. A name without `=` takes its value
 * from the environment here, and is left out when it is not set.
 *
 * @throws CliError for a file that cannot be read
 */
export function readEnvironment(
  files: readonly string[],
  given: readonly string[],
  own: NodeJS.ProcessEnv = process.env,
): string[] {
  return [...files.flatMap(readPairFile), ...given].flatMap((entry) => {
    if (entry.startsWith("=")) throw new CliError(`invalid environment variable: ${entry}`, { exitCode: 125 });
    if (entry.includes("=")) return [entry];
    const value = own[entry];
    return value === undefined ? [] : [`${entry}=${value}`];
  });
}

/** Lines of an `--env-file` or `--label-file`, without comments and blank ones. @throws CliError */
export function readPairFile(path: string): string[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new CliError(`${path}: cannot be read`, { exitCode: 125, cause: error });
  }
  const lines = text.replace(/^\uFEFF/, "").split(/\r?\n/);
  return lines.flatMap((line, at) => {
    const entry = line.trimStart();
    if (entry === "" || entry.startsWith("#")) return [];
    const name = entry.split("=", 1)[0] ?? "";
    if (/\s/.test(name) && entry.includes("=")) {
      throw new CliError(`${path}: line ${at + 1}: variable '${name}' contains whitespaces`, { exitCode: 125 });
    }
    return [entry];
  });
}
