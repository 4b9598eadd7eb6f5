import { setTimeout as sleep } from "node:timers/promises";
import type { ContainerSummary } from "#clients/docker/wire-types.ts";
import type { Command, Input } from "../command.ts";
import { segment } from "../each-argument.ts";
import { formatList, type ListLayout } from "../format/print-list.ts";
import { isTerminal, write } from "../output.ts";
import type { Session } from "../session.ts";
import { statsRow, type Stats } from "../stats-row.ts";

export const stats: Command = {
  usage: "[OPTIONS] [CONTAINER...]",
  summary: "Display a live stream of container(s) resource usage statistics",
  flags: `
-a, --all             Show all containers (default shows just running)
    --format string   table (default), json, 'table TEMPLATE' or 'TEMPLATE'
    --no-stream       Disable streaming stats and only pull the first result
    --no-trunc        Do not truncate output
`,
  args: { min: 0 },
  example: "ferry stats --no-stream --format '{{.Name}} {{.CPUPerc}}'",
  completes: "running",
  run,
};

const layout: ListLayout = {
  headers: {
    Container: "CONTAINER",
    ID: "CONTAINER ID",
    Name: "NAME",
    CPUPerc: "CPU %",
    MemUsage: "MEM USAGE / LIMIT",
    MemPerc: "MEM %",
    NetIO: "NET I/O",
    BlockIO: "BLOCK I/O",
    PIDs: "PIDS",
  },
  fields: ["ID", "Name", "CPUPerc", "MemUsage", "MemPerc", "NetIO", "BlockIO", "PIDs"],
};

async function run(session: Session, { flags, args }: Input): Promise<number> {
  const format = session.format(flags);
  const show = async (samples: readonly (readonly [string, Stats | undefined])[]) =>
    await formatList(
      samples.map(([name, sample]) => statsRow(name, sample, flags.bool("no-trunc"))),
      layout,
      format,
    );
  const list = async () => (args.length > 0 ? args : await containerIds(session, flags.bool("all")));
  if (flags.bool("no-stream")) {
    const names = await list();
    write(
      1,
      await show(await Promise.all(names.map(async (name) => [name, await sampleOnce(session, name)] as const))),
    );
    return 0;
  }
  const watched = new Map<string, Watch>();
  for (;;) {
    const names = await list();
    for (const name of names) if (!watched.has(name)) watched.set(name, await watch(session, name, args.length > 0));
    for (const name of watched.keys()) if (!names.includes(name)) watched.delete(name);
    const text = await show([...watched].map(([name, one]) => [name, one.latest] as const));
    write(1, isTerminal(1) ? `\x1b[H\x1b[J${text}` : text);
    await sleep(isTerminal(1) ? 500 : 1000);
  }
}

async function containerIds(session: Session, all: boolean): Promise<string[]> {
  const query = { all: all ? 1 : undefined };
  const containers = await session.client.json<ContainerSummary[]>({ path: "/containers/json", query });
  return containers.map(({ Id }) => Id);
}

async function sampleOnce(session: Session, name: string): Promise<Stats> {
  // Without one-shot the server waits for a second sample, which is what a share of CPU needs.
  return await session.client.json<Stats>({ path: `/containers/${segment(name)}/stats`, query: { stream: 0 } });
}

type Watch = { latest: Stats | undefined };

/** Keeps the latest sample of a container; a name that was typed must be there. */
async function watch(session: Session, name: string, named: boolean): Promise<Watch> {
  const watched: Watch = { latest: undefined };
  if (named) await session.client.text({ path: `/containers/${segment(name)}/json` });
  const follow = async () => {
    const samples = session.client.lines<Stats>({ path: `/containers/${segment(name)}/stats`, query: { stream: 1 } });
    for await (const sample of samples) watched.latest = sample;
  };
  // A container that goes away has no sample any more; the next list leaves it out.
  follow().catch(() => {
    watched.latest = undefined;
  });
  return watched;
}
