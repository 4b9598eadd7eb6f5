import { JsonReader } from "#base/json-reader.ts";
import { EngineError } from "#base/errors.ts";

/** The Node's annotation in which it tells of its own move. */
export const reportAnnotation = "ferry.dev/migration";

/** What a node says of its move. */
export type NodeReport = {
  readonly run: string;
  readonly attempt: number;
  readonly state: "moving" | "moved" | "failed";
  /** Of its plan, the one begun last; empty before the first. */
  readonly step: string;
  /** Why it failed, shortened; empty otherwise. */
  readonly message: string;
};

const maxMessageLength = 2_000;

export function formatNodeReport(report: NodeReport): string {
  return JSON.stringify({ ...report, message: report.message.slice(0, maxMessageLength) });
}

/** Undefined for none, and for what is no report: anybody may write annotations. */
export function findNodeReport(annotation: string | undefined): NodeReport | undefined {
  if (annotation === undefined) return undefined;
  try {
    const json = JsonReader.parse(Buffer.from(annotation), "report", 64 << 10);
    const state = json.at("state").string();
    if (state !== "moving" && state !== "moved" && state !== "failed") return undefined;
    return {
      run: json.at("run").string(),
      attempt: json.at("attempt").size(),
      state,
      step: json.at("step").string(),
      message: json.at("message").string(),
    };
  } catch (error) {
    if (error instanceof EngineError) return undefined;
    throw error;
  }
}
