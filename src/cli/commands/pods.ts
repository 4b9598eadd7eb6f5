import type { Command, Input } from "../command.ts";
import { formatAgo, formatLocalTime } from "../format/human.ts";
import { printList, type ListLayout, type Row } from "../format/print-list.ts";
import { write } from "../output.ts";
import type { Session } from "../session.ts";

/** A line of `GET /ferry/pods`. */
type PodSummary = {
  Id: string;
  Name: string;
  Namespace: string;
  Uid: string;
  Attempt: number;
  State: string;
  /** RFC 3339. */
  Created: string;
  Labels: Record<string, string>;
  RuntimeHandler: string;
  Ips: string[];
  Containers: { Id: string; Name: string; Image: string; State: string }[];
};

export const pods: Command = {
  usage: "[OPTIONS]",
  summary: "List the kubelet's pods",
  flags: `
    --format string          table (default), json, 'table TEMPLATE' or 'TEMPLATE'
    --id string              Only the pod whose ID begins so
    --label list             Only those with a label: key, or key=value
-n, --last int               Show n last created pods
-l, --latest                 Show the latest created pod
    --name string            Only those whose name fits a regular expression
    --no-trunc               Don't truncate output
    --pod-namespace string   Only those of a namespace of the cluster
-q, --quiet                  Only display pod IDs
-s, --state string           Only those that are ready, or notready
`,
  args: { min: 0, max: 0 },
  example: "ferry pods --state ready --pod-namespace kube-system",
  run,
};

async function run(session: Session, { flags }: Input): Promise<number> {
  const limit = flags.bool("latest") ? 1 : flags.int("last");
  const found = await session.client.json<PodSummary[]>({
    path: "/ferry/pods",
    query: { filters: filtersOf(flags), limit: limit === undefined || limit < 0 ? undefined : limit },
  });
  const full = flags.bool("no-trunc");
  if (flags.bool("quiet")) write(1, found.map(({ Id }) => `${full ? Id : shortPodId(Id)}\n`).join(""));
  else
    await printList(
      found.map((pod) => toRow(pod, full)),
      layout,
      session.format(flags),
    );
  return 0;
}

function filtersOf(flags: Input["flags"]): string | undefined {
  const one = (flag: string) => flags.text(flag);
  const given = {
    id: one("id"),
    name: one("name"),
    namespace: one("pod-namespace"),
    state: one("state"),
  };
  const filters = Object.entries(given).flatMap(([key, value]) => (value === undefined ? [] : [[key, [value]]]));
  const labels = flags.list("label");
  if (labels.length > 0) filters.push(["label", [...labels]]);
  return filters.length === 0 ? undefined : JSON.stringify(Object.fromEntries(filters));
}

const layout: ListLayout = {
  headers: {
    ID: "POD ID",
    CreatedAt: "CREATED AT",
    RunningFor: "CREATED",
    State: "STATE",
    Name: "NAME",
    Namespace: "NAMESPACE",
    Attempt: "ATTEMPT",
    Runtime: "RUNTIME",
    IPs: "IPS",
    Containers: "CONTAINERS",
    Labels: "LABELS",
    UID: "UID",
  },
  fields: ["ID", "RunningFor", "State", "Name", "Namespace", "Attempt", "Runtime"],
};

function toRow(pod: PodSummary, full: boolean): Row {
  const createdSeconds = Math.floor(Date.parse(pod.Created) / 1000);
  const row = {
    ID: full ? pod.Id : shortPodId(pod.Id),
    CreatedAt: formatLocalTime(createdSeconds),
    RunningFor: formatAgo(createdSeconds),
    State: pod.State,
    Name: pod.Name,
    Namespace: pod.Namespace,
    Attempt: pod.Attempt,
    Runtime: pod.RuntimeHandler === "" ? "(default)" : pod.RuntimeHandler,
    IPs: pod.Ips.join(","),
    Containers: pod.Containers.length,
    Labels: Object.entries(pod.Labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(","),
    UID: pod.Uid,
  };
  return Object.defineProperty(row, "Label", { value: (name: unknown) => pod.Labels[String(name)] ?? "" });
}

/** Thirteen digits, as crictl shows them. */
function shortPodId(id: string): string {
  return id.slice(0, 13);
}
