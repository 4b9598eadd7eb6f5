import type { JsonReader } from "#base/json-reader.ts";
import { EngineError } from "#base/errors.ts";

/** The journal's format; a reader of another version refuses it. */
export const journalVersion = 1;

/** What the journal says, in the order in which it happened. */
export type JournalEvent =
  | {
      readonly t: "opened";
      /** Of the plan's bytes as they lie beside the journal. */
      readonly planSha256: string;
      /** Of the ferry that opened it. */
      readonly ferry: string;
    }
  /** On disk before the step's first change; `undo` is what its executor needs to go back. */
  | { readonly t: "begun"; readonly step: string; readonly undo: unknown }
  | { readonly t: "done"; readonly step: string }
  | { readonly t: "failed"; readonly step: string; readonly message: string }
  | { readonly t: "applied" }
  | { readonly t: "going-back"; readonly why: string }
  | { readonly t: "undone"; readonly step: string }
  /** The node itself is as it was, and what ran runs: what is left is in the cluster. */
  | { readonly t: "settled" }
  | { readonly t: "back" }
  | { readonly t: "purging" }
  | { readonly t: "purged" };

/** One line of the journal. */
export type JournalRecord = JournalEvent & { readonly at: string };

/** @throws failedPrecondition for another version @throws invalidArgument for what is no record */
export function decodeRecord(reader: JsonReader): JournalRecord {
  const version = reader.at("version").size();
  if (version !== journalVersion) {
    throw new EngineError(
      "failedPrecondition",
      `journal: version ${version}, this ferry reads ${journalVersion}: go on or go back with the ferry that wrote it`,
    );
  }
  return { at: reader.at("at").string(), ...decodeEvent(reader) };
}

function decodeEvent(reader: JsonReader): JournalEvent {
  const step = () => reader.at("step").string();
  const t = reader.at("t").string();
  switch (t) {
    case "opened":
      return { t, planSha256: reader.at("planSha256").string(), ferry: reader.at("ferry").string() };
    case "begun":
      return { t, step: step(), undo: reader.object()["undo"] ?? null };
    case "done":
    case "undone":
      return { t, step: step() };
    case "failed":
      return { t, step: step(), message: reader.at("message").string() };
    case "going-back":
      return { t, why: reader.at("why").string() };
    case "applied":
    case "settled":
    case "back":
    case "purging":
    case "purged":
      return { t };
    default:
      return reader.at("t").fail(`is unknown: ${t}`);
  }
}
