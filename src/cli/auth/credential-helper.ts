import { spawn } from "node:child_process";
import { CliError } from "../cli-error.ts";

/**
 * Runs `docker-credential-NAME ACTION` with `input` on its stdin; undefined when it knows no such credentials.
 *
 * Source: docker-credential-helpers, README "Development".
 *
 * @throws CliError when the program is missing or fails
 */
export async function runHelper(
  name: string,
  action: "get" | "store" | "erase",
  input: string,
): Promise<string | undefined> {
  const program = `docker-credential-${name}`;
  const child = spawn(program, [action], { stdio: ["pipe", "pipe", "inherit"] });
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.on("error", (error) =>
    reject(
      new CliError(`${program}: cannot be run`, {
        next: "install it, or take credsStore out of config.json",
        cause: error,
      }),
    ),
  );
  child.on("close", resolve);
  child.stdin.on("error", () => undefined);
  child.stdin.end(input);
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  if ((await promise) === 0) return output;
  if (/credentials not found/i.test(output)) return undefined;
  throw new CliError(`${program} ${action}: ${output.trim() || "failed"}`);
}
