import { sizeText } from "#base/size-text.ts";
import type { ImageSummary } from "#clients/docker/wire-types.ts";
import type { Command, Input } from "../command.ts";
import { formatAgo, formatLocalTime, shortId } from "../format/human.ts";
import { parseFilters, printList, type ListLayout, type Row } from "../format/print-list.ts";
import { write } from "../output.ts";
import type { Session } from "../session.ts";

export const images: Command = {
  usage: "[OPTIONS] [REPOSITORY[:TAG]]",
  summary: "List images",
  flags: `
-a, --all             Show all images (default hides intermediate images)
    --digests         Show digests
-f, --filter list     Only those that match: dangling=true, reference=alpine:*, label=a=b, before=image, ...
    --format string   table (default), json, 'table TEMPLATE' or 'TEMPLATE'
    --no-trunc        Don't truncate output
-q, --quiet           Only show image IDs
`,
  args: { min: 0, max: 1 },
  example: "ferry images --filter reference='alpine:*' --format '{{.Repository}}:{{.Tag}} {{.Size}}'",
  completes: "images",
  run,
};

async function run(session: Session, { flags, args }: Input): Promise<number> {
  const filters = parseFilters(flags.list("filter"));
  if (args[0] !== undefined) filters["reference"] = [args[0]];
  const found = await session.client.json<ImageSummary[]>({
    path: "/images/json",
    query: {
      all: flags.bool("all") ? 1 : undefined,
      filters: Object.keys(filters).length === 0 ? undefined : JSON.stringify(filters),
    },
  });
  const full = flags.bool("no-trunc");
  const digests = flags.bool("digests");
  const rows = found.toSorted((a, b) => b.Created - a.Created).flatMap((image) => imageRows(image, { full, digests }));
  if (flags.bool("quiet")) write(1, rows.map((row) => `${String(row["ID"])}\n`).join(""));
  else await printList(rows, digests ? digestLayout : imageLayout, session.format(flags));
  return 0;
}

export const imageLayout: ListLayout = {
  headers: {
    Repository: "REPOSITORY",
    Tag: "TAG",
    Digest: "DIGEST",
    ID: "IMAGE ID",
    CreatedSince: "CREATED",
    CreatedAt: "CREATED AT",
    Size: "SIZE",
    SharedSize: "SHARED SIZE",
    UniqueSize: "UNIQUE SIZE",
    VirtualSize: "SIZE",
    Containers: "CONTAINERS",
  },
  fields: ["Repository", "Tag", "ID", "CreatedSince", "Size"],
};

const digestLayout: ListLayout = {
  ...imageLayout,
  fields: ["Repository", "Tag", "Digest", "ID", "CreatedSince", "Size"],
};

const none = "<none>";

/** One row per name of an image; one of `<none>` for an image without. */
export function imageRows(image: ImageSummary, { full, digests }: { full: boolean; digests: boolean }): Row[] {
  const tags = (image.RepoTags ?? []).filter((tag) => tag !== "<none>:<none>").map(splitTag);
  const named = (image.RepoDigests ?? []).filter((digest) => !digest.startsWith("<none>")).map(splitDigest);
  const digestOf = (repository: string) => named.find((one) => one.repository === repository)?.digest ?? none;
  if (tags.length > 0) {
    return tags.map(({ repository, tag }) => row(image, full, { repository, tag, digest: digestOf(repository) }));
  }
  if (named.length === 0) return [row(image, full, { repository: none, tag: none, digest: none })];
  const shown = digests ? named : named.slice(0, 1);
  return shown.map(({ repository, digest }) => row(image, full, { repository, tag: none, digest }));
}

function row(image: ImageSummary, full: boolean, name: { repository: string; tag: string; digest: string }): Row {
  return {
    Containers: image.Containers < 0 ? "N/A" : String(image.Containers),
    get CreatedAt() {
      return formatLocalTime(image.Created);
    },
    CreatedSince: formatAgo(image.Created),
    Digest: name.digest,
    ID: full ? image.Id : shortId(image.Id),
    Repository: name.repository,
    SharedSize: image.SharedSize < 0 ? "N/A" : sizeText(image.SharedSize),
    Size: sizeText(image.Size),
    Tag: name.tag,
    UniqueSize: image.SharedSize < 0 ? "N/A" : sizeText(image.Size - image.SharedSize),
    VirtualSize: sizeText(image.Size, 4),
  };
}

function splitTag(name: string): { repository: string; tag: string } {
  const colon = name.lastIndexOf(":");
  return { repository: name.slice(0, colon), tag: name.slice(colon + 1) };
}

function splitDigest(name: string): { repository: string; digest: string } {
  const at = name.indexOf("@");
  return { repository: name.slice(0, at), digest: name.slice(at + 1) };
}
