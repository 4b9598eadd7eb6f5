import type { Command } from "../command.ts";
import { filterQuery, printList } from "../format/print-list.ts";
import { print } from "../output.ts";

type Volume = {
  Name: string;
  Driver: string;
  Mountpoint: string;
  Scope: string;
  Labels: Record<string, string> | null;
};

export const volumeLs: Command = {
  usage: "[OPTIONS]",
  summary: "List volumes",
  flags: `
-f, --filter list     Only those that match: dangling=true, name=x, label=a=b, driver=local
    --format string   table (default), json, 'table TEMPLATE' or 'TEMPLATE'
-q, --quiet           Only display volume names
`,
  args: { min: 0, max: 0 },
  example: "ferry volume ls --filter dangling=true",
  run: async (session, { flags }) => {
    const { Volumes } = await session.client.json<{ Volumes: Volume[] | null }>({
      path: "/volumes",
      query: { filters: filterQuery(flags.list("filter")) },
    });
    const volumes = (Volumes ?? []).toSorted((a, b) => (a.Name < b.Name ? -1 : 1));
    if (flags.bool("quiet")) {
      for (const { Name } of volumes) print(Name);
      return 0;
    }
    const rows = volumes.map((volume) => ({
      Driver: volume.Driver,
      Labels: Object.entries(volume.Labels ?? {})
        .map(([key, value]) => `${key}=${value}`)
        .join(","),
      Links: "N/A",
      Mountpoint: volume.Mountpoint,
      Name: volume.Name,
      Scope: volume.Scope,
      Size: "N/A",
    }));
    const headers = {
      Driver: "DRIVER",
      Name: "VOLUME NAME",
      Mountpoint: "MOUNTPOINT",
      Scope: "SCOPE",
      Labels: "LABELS",
      Links: "LINKS",
      Size: "SIZE",
    };
    await printList(rows, { headers, fields: ["Driver", "Name"] }, session.format(flags));
    return 0;
  },
};
