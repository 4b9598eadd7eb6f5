import { readFile } from "node:fs/promises";
import { EngineError } from "#base/errors.ts";

/** Number of a group of the host, by number or name. @throws invalidArgument when there is none of that name */
export async function findGroupId(group: string): Promise<number> {
  if (/^\d+$/.test(group)) return Number(group);
  const entries = (await readFile("/etc/group", "utf8")).split("\n").map((line) => line.split(":"));
  const id = entries.find(([name]) => name === group)?.[2];
  if (id !== undefined) return Number(id);
  throw new EngineError("invalidArgument", `config: docker.group: no group ${group} on this machine`);
}
