import { sizeText } from "#base/size-text.ts";
import type { ContainerSummary } from "#clients/docker/wire-types.ts";
import type { Command, Input } from "../command.ts";
import { ellipsis, formatAgo, formatLocalTime, shortId } from "../format/human.ts";
import { formatPortList } from "../format/port-list.ts";
import { filterQuery, printList, type ListLayout, type Row } from "../format/print-list.ts";
import { write } from "../output.ts";
import type { Session } from "../session.ts";

export const ps: Command = {
  usage: "[OPTIONS]",
  summary: "List containers",
  flags: `
-a, --all             Show all containers (default shows just running)
-f, --filter list     Only those that match: status=exited, name=web, label=a=b, ancestor=image, ...
    --format string   table (default), json, 'table TEMPLATE' or 'TEMPLATE'
-n, --last int        Show n last created containers (includes all states)
-l, --latest          Show the latest created container (includes all states)
    --no-trunc        Don't truncate output
-q, --quiet           Only display container IDs
-s, --size            Display total file sizes
`,
  args: { min: 0, max: 0 },
  example: "ferry ps -a --filter status=exited --format '{{.Names}}: {{.Status}}'",
  run,
};

async function run(session: Session, { flags }: Input): Promise<number> {
  const format = session.format(flags);
  const withSize = flags.bool("size") || format?.includes(".Size") === true;
  const limit = flags.bool("latest") ? 1 : flags.int("last");
  const containers = await session.client.json<ContainerSummary[]>({
    path: "/containers/json",
    query: {
      all: flags.bool("all") ? 1 : undefined,
      limit: limit === undefined || limit < 0 ? undefined : limit,
      size: withSize ? 1 : undefined,
      filters: filterQuery(flags.list("filter")),
    },
  });
  const full = flags.bool("no-trunc");
  if (flags.bool("quiet")) {
    write(1, containers.map(({ Id }) => `${full ? Id : shortId(Id)}\n`).join(""));
  } else {
    await printList(
      containers.map((container) => containerRow(container, full)),
      withSize ? { ...containerLayout, fields: [...containerLayout.fields, "Size"] } : containerLayout,
      format,
    );
  }
  return 0;
}

export const containerLayout: ListLayout = {
  headers: {
    ID: "CONTAINER ID",
    Image: "IMAGE",
    Command: "COMMAND",
    CreatedAt: "CREATED AT",
    RunningFor: "CREATED",
    Status: "STATUS",
    State: "STATE",
    Ports: "PORTS",
    Names: "NAMES",
    Size: "SIZE",
    Labels: "LABELS",
    Mounts: "MOUNTS",
    LocalVolumes: "LOCAL VOLUMES",
    Networks: "NETWORKS",
    Platform: "PLATFORM",
  },
  fields: ["ID", "Image", "Command", "RunningFor", "Status", "Ports", "Names"],
};

/** A container as templates see it. What costs time to say is said when it is asked for. */
export function containerRow(container: ContainerSummary, full: boolean): Row {
  const labels = container.Labels ?? {};
  const mounts = container.Mounts ?? [];
  const row = {
    Command: JSON.stringify(full ? container.Command : ellipsis(container.Command, 20)),
    get CreatedAt() {
      return formatLocalTime(container.Created);
    },
    ID: full ? container.Id : shortId(container.Id),
    Image: imageOf(container, full),
    Labels: Object.entries(labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(","),
    LocalVolumes: String(mounts.filter((mount) => mount.Driver === "local").length),
    Mounts: mounts.map(({ Name, Source }) => mountName(Name, Source, full)).join(","),
    Names: namesOf(container.Names, full),
    Networks: Object.keys(container.NetworkSettings?.Networks ?? {}).join(","),
    Platform: null,
    Ports: formatPortList(container.Ports ?? []),
    RunningFor: formatAgo(container.Created),
    Size: sizeOf(container),
    State: container.State,
    Status: container.Status,
  };
  return Object.defineProperty(row, "Label", { value: (name: unknown) => labels[String(name)] ?? "" });
}

function imageOf({ Image, ImageID }: ContainerSummary, full: boolean): string {
  if (Image === "") return "<no image>";
  return !full && (Image === ImageID || /^(sha256:)?[0-9a-f]{64}$/.test(Image)) ? shortId(Image) : Image;
}

function mountName(name: string | undefined, source: string, full: boolean): string {
  const text = name === undefined || name === "" ? source : name;
  return full ? text : ellipsis(text, 15);
}

/** Names without their slash; those that a link gave (`/web/db`) only in full. */
function namesOf(names: readonly string[], full: boolean): string {
  const bare = names.map((name) => name.replace(/^\//, ""));
  return (full ? bare : bare.filter((name) => !name.includes("/"))).join(",");
}

function sizeOf({ SizeRw = 0, SizeRootFs = 0 }: ContainerSummary): string {
  return sizeText(SizeRw) + (SizeRootFs > 0 ? ` (virtual ${sizeText(SizeRootFs)})` : "");
}
