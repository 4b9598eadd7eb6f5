import type { Command } from "../command.ts";
import { shortId } from "../format/human.ts";
import { filterQuery, printList } from "../format/print-list.ts";
import { print } from "../output.ts";

type Network = {
  Id: string;
  Name: string;
  Driver: string;
  Scope: string;
  Created: string;
  Internal: boolean;
  EnableIPv4?: boolean;
  EnableIPv6: boolean;
  Labels: Record<string, string> | null;
};

export const networkLs: Command = {
  usage: "[OPTIONS]",
  summary: "List networks",
  flags: `
-f, --filter list     Only those that match: driver=bridge, name=x, label=a=b, dangling=true, ...
    --format string   table (default), json, 'table TEMPLATE' or 'TEMPLATE'
    --no-trunc        Do not truncate the output
-q, --quiet           Only display network IDs
`,
  args: { min: 0, max: 0 },
  example: "ferry network ls --format '{{.Name}} {{.Driver}}'",
  run: async (session, { flags }) => {
    const networks = await session.client.json<Network[]>({
      path: "/networks",
      query: { filters: filterQuery(flags.list("filter")) },
    });
    const idOf = ({ Id }: Network) => (flags.bool("no-trunc") ? Id : shortId(Id));
    const sorted = networks.toSorted((a, b) => (a.Name < b.Name ? -1 : 1));
    if (flags.bool("quiet")) {
      for (const network of sorted) print(idOf(network));
      return 0;
    }
    const rows = sorted.map((network) => ({
      CreatedAt: network.Created,
      Driver: network.Driver,
      ID: idOf(network),
      IPv4: String(network.EnableIPv4 ?? true),
      IPv6: String(network.EnableIPv6),
      Internal: String(network.Internal),
      Labels: Object.entries(network.Labels ?? {})
        .map(([key, value]) => `${key}=${value}`)
        .join(","),
      Name: network.Name,
      Scope: network.Scope,
    }));
    const headers = {
      ID: "NETWORK ID",
      Name: "NAME",
      Driver: "DRIVER",
      Scope: "SCOPE",
      IPv4: "IPV4",
      IPv6: "IPV6",
      Internal: "INTERNAL",
      Labels: "LABELS",
      CreatedAt: "CREATED AT",
    };
    await printList(rows, { headers, fields: ["ID", "Name", "Driver", "Scope"] }, session.format(flags));
    return 0;
  },
};
