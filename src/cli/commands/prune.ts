import { sizeText } from "#base/size-text.ts";
import { confirm } from "../ask.ts";
import type { Command, Input } from "../command.ts";
import { parseFilters } from "../format/print-list.ts";
import { print, write } from "../output.ts";
import type { Session } from "../session.ts";

type Kind = "container" | "image" | "network" | "volume";

type Pruned = {
  ContainersDeleted?: string[] | null;
  ImagesDeleted?: { Untagged?: string; Deleted?: string }[] | null;
  NetworksDeleted?: string[] | null;
  VolumesDeleted?: string[] | null;
  SpaceReclaimed?: number;
};

const paths = { container: "containers", image: "images", network: "networks", volume: "volumes" } as const;

const whatGoes: Readonly<Record<Kind, string>> = {
  container: "all stopped containers",
  image: "all dangling images",
  network: "all custom networks not used by at least one container",
  volume: "anonymous local volumes not used by at least one container",
};

const allGoes: Readonly<Partial<Record<Kind, string>>> = {
  image: "all images without at least one container associated to them",
  volume: "all local volumes not used by at least one container",
};

/** `ferry image prune` and its like. */
export function pruneKind(kind: Kind): Command {
  const all = allGoes[kind] === undefined ? "" : `-a, --all           Remove ${allGoes[kind]}\n`;
  return {
    usage: "[OPTIONS]",
    summary: `Remove unused ${kind}s`,
    flags: `
${all}    --filter list   Only those that match: until=24h, label=a=b
-f, --force         Do not prompt for confirmation
`,
    args: { min: 0, max: 0 },
    example: `ferry ${kind} prune -f`,
    run: async (session, input) => await pruneOne(session, input, kind),
  };
}

async function pruneOne(session: Session, { flags }: Input, kind: Kind): Promise<number> {
  const all = flags.bool("all");
  const goes = (all ? allGoes[kind] : undefined) ?? whatGoes[kind];
  if (!flags.bool("force") && !(await confirm(`WARNING! This will remove ${goes}.`))) return 1;
  const pruned = await prune(session, kind, { all, filters: parseFilters(flags.list("filter")) });
  write(1, prunedText(pruned));
  if (kind !== "network") print(`Total reclaimed space: ${sizeText(pruned.SpaceReclaimed ?? 0, 4)}`);
  return 0;
}

export const systemPrune: Command = {
  usage: "[OPTIONS]",
  summary: "Remove unused data",
  flags: `
-a, --all           Remove all unused images not just dangling ones
    --filter list   Only what matches: until=24h, label=a=b
-f, --force         Do not prompt for confirmation
    --volumes       Prune anonymous volumes
`,
  args: { min: 0, max: 0 },
  example: "ferry system prune -a -f",
  run: async (session, { flags }) => {
    const all = flags.bool("all");
    const kinds: readonly Kind[] = [
      "container",
      "network",
      ...(flags.bool("volumes") ? ["volume" as const] : []),
      "image",
    ];
    const goes = kinds.map((kind) => `  - ${(all && kind === "image" ? allGoes[kind] : undefined) ?? whatGoes[kind]}`);
    if (!flags.bool("force") && !(await confirm(["WARNING! This will remove:", ...goes].join("\n")))) return 1;
    let reclaimed = 0;
    for (const kind of kinds) {
      const filters = parseFilters(flags.list("filter"));
      const pruned = await prune(session, kind, { all: all && kind === "image", filters });
      write(1, prunedText(pruned));
      reclaimed += pruned.SpaceReclaimed ?? 0;
    }
    print(`Total reclaimed space: ${sizeText(reclaimed, 4)}`);
    return 0;
  },
};

async function prune(
  session: Session,
  kind: Kind,
  { all, filters }: { all: boolean; filters: Record<string, string[]> },
): Promise<Pruned> {
  const wanted = {
    ...filters,
    ...(kind === "image" ? { dangling: [String(!all)] } : {}),
    ...(kind === "volume" && all ? { all: ["true"] } : {}),
  };
  const query = { filters: Object.keys(wanted).length === 0 ? undefined : JSON.stringify(wanted) };
  return await session.client.json<Pruned>({ method: "POST", path: `/${paths[kind]}/prune`, query });
}

function prunedText({ ContainersDeleted, ImagesDeleted, NetworksDeleted, VolumesDeleted }: Pruned): string {
  const list = (title: string, names: readonly string[] | null | undefined) =>
    names === undefined || names === null || names.length === 0 ? "" : `${title}\n${names.join("\n")}\n\n`;
  const images = ImagesDeleted?.map((one) =>
    one.Deleted === undefined ? `untagged: ${one.Untagged ?? ""}` : `deleted: ${one.Deleted}`,
  );
  return (
    list("Deleted Containers:", ContainersDeleted) +
    list("Deleted Networks:", NetworksDeleted) +
    list("Deleted Volumes:", VolumesDeleted) +
    list("Deleted Images:", images)
  );
}
