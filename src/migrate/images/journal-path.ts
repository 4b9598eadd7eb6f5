import { createHash } from "node:crypto";
import { homedir } from "node:os";
import { join } from "node:path";
import type { JournalHeader } from "./journal.ts";

/** Where the journal of a migration is when nobody says: the machine's for root, else the user's own. */
export function defaultJournalPath({ source, target }: JournalHeader): string {
  const name = createHash("sha256").update(`${source}\n${target}`).digest("hex").slice(0, 12);
  const isRoot = process.getuid?.() === 0;
  const directory = isRoot ? "/var/lib/ferry-migrate" : join(homedir(), ".local/state/ferry-migrate");
  return join(directory, `images-${name}.jsonl`);
}
