import { readState } from "#migrate/apply/migration-run.ts";
import type { JournalRecord } from "#migrate/apply/journal-record.ts";
import type { Command } from "../../command.ts";
import { chooseFormat } from "../../format/choose-format.ts";
import { print } from "../../output.ts";
import { defaultState } from "./node-run.ts";

export const migrateStatus: Command = {
  usage: "[OPTIONS]",
  summary: "Show how far this node's move has come",
  flags: `
    --format string   text (default) or json
    --state string    Directory of the journal (default ${defaultState})
`,
  args: { min: 0, max: 0 },
  example: "ferry migrate status",
  run: async (session, { flags }) => {
    const format = chooseFormat(session.format(flags), ["text", "json"]);
    const records = await readState(flags.text("state") ?? defaultState);
    if (format === "json") {
      // What the way back needs is long, and nobody's business but the journal's.
      print(JSON.stringify(records.map((record) => ({ ...record, undo: undefined }))));
      return 0;
    }
    if (records.length === 0) print("no migration is under way here");
    for (const record of records) print(`${record.at}  ${textOf(record)}`);
    return 0;
  },
};

function textOf(record: JournalRecord): string {
  const step = "step" in record ? ` ${record.step}` : "";
  if (record.t === "failed") return `failed${step}: ${record.message}`;
  if (record.t === "going-back") return `going back: ${record.why.split("\n")[0] ?? ""}`;
  if (record.t === "settled") return "settled: the node itself is as it was";
  return `${record.t}${step}`;
}
