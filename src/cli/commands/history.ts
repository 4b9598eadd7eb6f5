import { sizeText } from "#base/size-text.ts";
import type { Command } from "../command.ts";
import { ellipsis, formatAgo, formatLocalTime, shortId } from "../format/human.ts";
import { printList } from "../format/print-list.ts";
import { imagePath } from "../image-path.ts";
import { print } from "../output.ts";

type Layer = { Id: string; Created: number; CreatedBy: string; Size: number; Comment: string };

export const history: Command = {
  usage: "[OPTIONS] IMAGE",
  summary: "Show the history of an image",
  flags: `
    --format string     table (default), json, 'table TEMPLATE' or 'TEMPLATE'
-H, --human             Print sizes and dates in human readable format (default true)
    --no-trunc          Don't truncate output
    --platform string   Show history for the given platform (linux/arm64)
-q, --quiet             Only show image IDs
`,
  args: { min: 1, max: 1 },
  example: "ferry history --no-trunc alpine",
  completes: "images",
  run: async (session, { flags, args: [image = ""] }) => {
    const [full, human] = [flags.bool("no-trunc"), flags.bool("human", true)];
    const layers = await session.client.json<Layer[]>({ path: `${imagePath(image)}/history` });
    const idOf = ({ Id }: Layer) => (full || Id === "<missing>" ? Id : shortId(Id));
    if (flags.bool("quiet")) {
      for (const layer of layers) print(idOf(layer));
      return 0;
    }
    const iso = (seconds: number) => new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
    const rows = layers.map((layer) => ({
      Comment: layer.Comment,
      CreatedAt: human ? formatLocalTime(layer.Created) : iso(layer.Created),
      CreatedBy: full ? layer.CreatedBy : ellipsis(layer.CreatedBy.replaceAll("\t", " "), 45),
      CreatedSince: human ? formatAgo(layer.Created) : iso(layer.Created),
      ID: idOf(layer),
      Size: human ? sizeText(layer.Size) : String(layer.Size),
    }));
    const headers = {
      ID: "IMAGE",
      CreatedSince: "CREATED",
      CreatedAt: "CREATED AT",
      CreatedBy: "CREATED BY",
      Size: "SIZE",
      Comment: "COMMENT",
    };
    await printList(
      rows,
      { headers, fields: ["ID", "CreatedSince", "CreatedBy", "Size", "Comment"] },
      session.format(flags),
    );
    return 0;
  },
};
