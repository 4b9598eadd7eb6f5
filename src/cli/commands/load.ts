import { createReadStream } from "node:fs";
import type { ProgressMessage } from "#clients/docker/wire-types.ts";
import { CliError } from "../cli-error.ts";
import type { Command } from "../command.ts";
import { isTerminal } from "../output.ts";
import { openScreen } from "../pull/open-screen.ts";
import { drawProgress } from "../pull/progress.ts";

export const load: Command = {
  usage: "[OPTIONS]",
  summary: "Load an image from a tar archive or STDIN",
  flags: `
-i, --input string      Read from tar archive file, instead of STDIN
    --platform string   Load only the given platform (linux/arm64)
-q, --quiet             Suppress the load output
`,
  args: { min: 0, max: 0 },
  example: "ferry load -i images.tar",
  run: async (session, { flags }) => {
    const input = flags.text("input");
    if (input === undefined && isTerminal(0)) {
      throw new CliError("requested load from stdin, but stdin is empty", { next: "name a file: -i images.tar" });
    }
    const quiet = flags.bool("quiet");
    const screen = openScreen(1);
    const messages = session.client.lines<ProgressMessage>({
      method: "POST",
      path: "/images/load",
      query: { quiet: quiet || !screen.terminal ? 1 : 0, platform: flags.text("platform") },
      headers: { "Content-Type": "application/x-tar" },
      body: await openArchive(input),
    });
    await drawProgress(messages, screen);
    return 0;
  },
};

/** A file's bytes, or standard input's. @throws CliError when the file cannot be read */
export async function openArchive(path: string | undefined): Promise<AsyncIterable<Buffer>> {
  if (path === undefined) return process.stdin;
  const stream = createReadStream(path, { highWaterMark: 1 << 18 });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  stream.once("open", () => resolve());
  stream.once("error", (cause) => reject(new CliError(`${path}: cannot be read`, { cause })));
  await promise;
  return stream;
}
