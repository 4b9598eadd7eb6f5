import type { Command } from "../command.ts";
import { eachArgument } from "../each-argument.ts";
import { imagePath } from "../image-path.ts";

export const rmi: Command = {
  usage: "[OPTIONS] IMAGE [IMAGE...]",
  summary: "Remove one or more images",
  flags: `
-f, --force      Force removal of the image
    --no-prune   Do not delete untagged parents
`,
  args: { min: 1 },
  example: "ferry rmi alpine:3.19",
  completes: "images",
  run: (session, { flags, args, name }) =>
    eachArgument(args, name, async (image) => {
      const query = { force: flags.bool("force") ? 1 : undefined, noprune: flags.bool("no-prune") ? 1 : undefined };
      const removed = await session.client.json<{ Untagged?: string; Deleted?: string }[]>({
        method: "DELETE",
        path: imagePath(image),
        query,
      });
      return removed
        .map(({ Untagged, Deleted }) => (Deleted === undefined ? `Untagged: ${Untagged ?? ""}` : `Deleted: ${Deleted}`))
        .join("\n");
    }),
};
