import type { RunningHost } from "../host/running-host.ts";
import type { SpaceFacts } from "./host-survey.ts";

const target = "/var/lib";

/** Docker's use of its file system, and what is left where the images go. Only a running host can say. */
export async function readSpace(running: RunningHost | undefined, dataRoot: string): Promise<SpaceFacts | undefined> {
  const from = parseDf(await running?.ask(["df", "-B1", "--output=source,used,avail,iavail", dataRoot]));
  const to = parseDf(await running?.ask(["df", "-B1", "--output=source,used,avail,iavail", target]));
  if (from === undefined || to === undefined) return undefined;
  const own = Number.parseInt((await running?.ask(["du", "-s", "-x", "-B1", dataRoot])) ?? "", 10);
  return {
    // `du` may take too long to wait for: what is used on the file system is the bound.
    usedBytes: Number.isNaN(own) ? from.used : own,
    freeBytes: to.avail,
    freeInodes: to.inodes,
    onOneFilesystem: from.source === to.source,
  };
}

function parseDf(text: string | undefined) {
  const [source = "", used = "", avail = "", inodes = ""] = text?.trim().split("\n").at(-1)?.trim().split(/\s+/) ?? [];
  const numbers = [used, avail, inodes].map(Number);
  if (source === "" || numbers.some(Number.isNaN)) return undefined;
  return { source, used: Number(used), avail: Number(avail), inodes: Number(inodes) };
}
