import { CliError } from "../cli-error.ts";
import type { Command } from "../command.ts";
import { isTerminal, write } from "../output.ts";
import { writeWhole } from "../write-whole.ts";

export const save: Command = {
  usage: "[OPTIONS] IMAGE [IMAGE...]",
  summary: "Save one or more images to a tar archive (streamed to STDOUT by default)",
  flags: `
-o, --output string     Write to a file, instead of STDOUT
    --platform string   Save only the given platform (linux/arm64)
`,
  args: { min: 1 },
  example: "ferry save -o images.tar alpine:3.20 nginx",
  completes: "images",
  run: async (session, { flags, args }) => {
    const output = flags.text("output");
    if (output === undefined && isTerminal(1)) {
      throw new CliError("refusing to write an archive to a terminal", {
        next: "name a file: -o images.tar, or redirect",
      });
    }
    const platform = flags.text("platform");
    const query = { names: args, platform: platform === undefined ? undefined : platformJson(platform) };
    await using response = await session.client.open({ path: "/images/get", query });
    if (output === undefined) for await (const bytes of response.body) write(1, bytes);
    else await writeWhole(output, response.body);
    return 0;
  },
};

function platformJson(text: string): string {
  const [os, architecture, variant] = text.split("/");
  return JSON.stringify({ os, architecture, variant });
}
