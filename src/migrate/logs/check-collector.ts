import { createContext, Script } from "node:vm";
import { sampleLines, type SampleLine } from "./sample-lines.ts";

/** One setting of a collector that decides which log lines it understands. */
export type ParserFinding = {
  /** From 1. */
  readonly line: number;
  readonly setting: string;
  /** `fluentd`, or `unknown` where the setting could be several collectors'. */
  readonly collector: string;
  /** Formats it reads; `unknown` when its expression is beyond us. */
  readonly reads: "json-file" | "cri" | "both" | "none" | "unknown";
  /** Samples of CRI's format that it does not understand. */
  readonly failing: readonly SampleLine[];
};

type Rule = { readonly collector: string; readonly pattern: RegExp; readonly reads: "json-file" | "cri" | "both" };

/** Settings whose meaning is in their name. */
const rules: readonly Rule[] = [
  { collector: "fluentd", pattern: /^\s*@type\s+json\b/, reads: "json-file" },
  { collector: "fluentd", pattern: /^\s*@type\s+cri\b/, reads: "cri" },
  { collector: "fluentd", pattern: /FLUENT_CONTAINER_TAIL_PARSER_TYPE["']?\s*[:=]\s*["']?json/, reads: "json-file" },
  { collector: "fluentd", pattern: /FLUENT_CONTAINER_TAIL_PARSER_TYPE["']?\s*[:=]\s*["']?cri/, reads: "cri" },
  { collector: "fluent-bit", pattern: /^\s*Parser\s+docker\b/i, reads: "json-file" },
  { collector: "fluent-bit", pattern: /^\s*Docker_Mode\s+On\b/i, reads: "json-file" },
  { collector: "fluent-bit", pattern: /^\s*Parser\s+cri\b/i, reads: "cri" },
  {
    collector: "fluent-bit",
    pattern: /^\s*multiline\.parser\s+.*docker\s*,\s*cri|^\s*multiline\.parser\s+.*cri\s*,\s*docker/i,
    reads: "both",
  },
  { collector: "fluent-bit", pattern: /^\s*multiline\.parser\s+cri\s*$/i, reads: "cri" },
  { collector: "fluent-bit", pattern: /^\s*multiline\.parser\s+docker\s*$/i, reads: "json-file" },
  { collector: "filebeat", pattern: /^\s*-?\s*type:\s*["']?docker\b/, reads: "json-file" },
  { collector: "filebeat", pattern: /^\s*containers\.ids:/, reads: "json-file" },
  { collector: "filebeat", pattern: /^\s*-?\s*type:\s*["']?container\b/, reads: "both" },
  { collector: "filebeat", pattern: /^\s*-\s*container:/, reads: "both" },
  { collector: "promtail", pattern: /^\s*-\s*docker:\s*(?:\{\s*\})?\s*$/, reads: "json-file" },
  { collector: "promtail", pattern: /^\s*-\s*cri:\s*(?:\{\s*\})?\s*$/, reads: "cri" },
  { collector: "vector", pattern: /^\s*type\s*[:=]\s*["']?docker_logs\b/, reads: "json-file" },
  { collector: "vector", pattern: /^\s*type\s*[:=]\s*["']?kubernetes_logs\b/, reads: "both" },
];

const expressions: readonly { readonly collector: string; readonly pattern: RegExp }[] = [
  { collector: "fluentd", pattern: /^\s*(?:expression|format)\s+\/(.+)\/[a-z]*\s*$/ },
  { collector: "fluent-bit", pattern: /^\s*Regex\s+(\S.*?)\s*$/i },
  { collector: "vector", pattern: /parse_regex!?\(.*r'(.+?)'/ },
];

/**
 * What the parser settings in a collector's configuration make of log lines. Settings are known by their names, expressions
 * are tried on `samples`. Pure; the text may be a ConfigMap's, a Helm value's or a file's.
 */
export function checkCollector(config: string, samples: readonly SampleLine[] = sampleLines): ParserFinding[] {
  const found: ParserFinding[] = [];
  for (const [index, text] of config.split("\n").entries()) {
    const place = { line: index + 1, setting: text.trim() };
    for (const { collector, pattern, reads } of rules) {
      const failing = reads === "json-file" ? samples.filter(({ format }) => format === "cri") : [];
      if (pattern.test(text)) found.push({ ...place, collector, reads, failing });
    }
    for (const { collector, pattern } of expressions) {
      const expression = pattern.exec(text)?.[1];
      if (expression !== undefined) found.push({ ...place, collector, ...tryExpression(expression, samples) });
    }
  }
  return found;
}

function tryExpression(expression: string, samples: readonly SampleLine[]): Pick<ParserFinding, "reads" | "failing"> {
  const compiled = compile(expression);
  // A line's regular expression without named groups is for something else than records.
  if (compiled === undefined) return { reads: "unknown", failing: [] };
  const understood = tryInTime(
    compiled,
    samples.map(({ line }) => line),
  );
  if (understood === undefined) return { reads: "unknown", failing: [] };
  const fits = (format: SampleLine["format"]) => {
    const all = samples.filter((sample) => sample.format === format);
    return { all, failing: all.filter(({ line }) => !understood.has(line)) };
  };
  const cri = fits("cri");
  const json = fits("json-file");
  const readsCri = cri.failing.length < cri.all.length;
  const readsJson = json.failing.length < json.all.length;
  const reads = readsCri ? (readsJson ? "both" : "cri") : readsJson ? "json-file" : "none";
  return { reads, failing: cri.failing };
}

const maxTrialMs = 1_000;
const trial = new Script("lines.filter((line) => expression.exec(line)?.groups !== undefined).join('\\n')");

/** The lines that an expression finds named groups in; undefined for one that does not come to an end: it is anybody's. */
function tryInTime(expression: RegExp, lines: readonly string[]): ReadonlySet<string> | undefined {
  try {
    const found: unknown = trial.runInContext(createContext({ expression, lines }), { timeout: maxTrialMs });
    return new Set(String(found).split("\n"));
  } catch (error) {
    if (isTimeout(error)) return undefined;
    throw error;
  }
}

/** The error is of the trial's own realm: no instance of this one's `Error`. */
function isTimeout(error: unknown): boolean {
  return typeof error === "object" && error !== null && Reflect.get(error, "code") === "ERR_SCRIPT_EXECUTION_TIMEOUT";
}

/** Ruby's and Rust's expressions as JavaScript's, where they mean the same. */
function compile(expression: string): RegExp | undefined {
  const own = expression
    .replaceAll("(?P<", "(?<")
    .replaceAll(String.raw`\A`, "^")
    .replaceAll(/\\[zZ]/g, "$");
  if (expression.length > 2000) return undefined;
  try {
    return new RegExp(own);
  } catch {
    return undefined;
  }
}
