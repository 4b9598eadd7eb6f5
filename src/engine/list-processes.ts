import { readFile } from "node:fs/promises";
import type { Call } from "#core/call.ts";
import { publishContainer } from "./container-event.ts";
import type { Engine } from "./engine.ts";
import { getTask } from "./find-task.ts";
import { parsePsColumns, type ColumnContext } from "./process-columns.ts";
import { readBootFacts, readProcess } from "./process-info.ts";

export type ProcessTable = { readonly titles: readonly string[]; readonly processes: readonly (readonly string[])[] };

/**
 * Processes of a container as `ps` shows them: `-ef` by default, `-o` with a list of columns, `aux`.
 *
 * No process is started: the columns are read from /proc. Publishes `top`.
 *
 * @throws conflict when it does not run
 * @throws invalidArgument for an option or column that is not known
 */
export async function listProcesses(
  call: Call,
  engine: Pick<Engine, "containers" | "runtime" | "events">,
  idOrName: string,
  psArgs = "-ef",
): Promise<ProcessTable> {
  const columns = parsePsColumns(psArgs);
  const container = await engine.containers.resolve(call, idOrName);
  const task = await getTask(call, engine, container);
  const [pids, context] = await Promise.all([task.pids(call), readContext()]);
  const found = await Promise.all(pids.toSorted((a, b) => a - b).map((pid) => readProcess(pid, context)));
  publishContainer(engine, container, "top");
  return {
    titles: columns.map(({ title }) => title),
    processes: found.flatMap((it) => (it === undefined ? [] : [columns.map(({ value }) => value(it, context))])),
  };
}

async function readContext(): Promise<ColumnContext> {
  const [boot, users, groups] = await Promise.all([readBootFacts(), readNames("/etc/passwd"), readNames("/etc/group")]);
  return {
    ...boot,
    nowMs: Date.now(),
    userName: (uid) => users.get(uid) ?? String(uid),
    groupName: (gid) => groups.get(gid) ?? String(gid),
  };
}

/** Names by number from the host's own file: `name:x:number:…`. */
async function readNames(path: string): Promise<Map<number, string>> {
  const text = await readFile(path, "utf8").catch(() => "");
  const entries = text.split("\n").map((line) => line.split(":"));
  return new Map(entries.flatMap(([name, , id]) => (name && id ? [[Number(id), name]] : [])));
}
