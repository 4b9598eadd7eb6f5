import type { Finding, Severity, Subject } from "../assess/finding.ts";
import type { Report } from "../assess/report.ts";
import type { Source } from "../host/source.ts";
import { formatSource } from "./format-source.ts";

const levels: Readonly<Record<Severity, "error" | "warning" | "note">> = {
  blocker: "error",
  high: "error",
  medium: "warning",
  low: "note",
};

/** GitHub's code scanning sorts by this figure; over 9 is critical, over 7 high, over 4 medium. */
const securitySeverities: Readonly<Record<Severity, string>> = {
  blocker: "9.5",
  high: "8.0",
  medium: "5.0",
  low: "2.0",
};

/**
 * The report as SARIF 2.1.0, for code scanning: findings in manifests and host files have their file and line, those from
 * an API their object. Source: https://docs.oasis-open.org/sarif/sarif/v2.1.0/
 */
export function sarifReport(report: Report): string {
  const { tool, checks, findings, missing } = report;
  const sarif = {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: {
          driver: {
            name: tool.name,
            version: tool.version,
            rules: checks.map(({ id, title, severity }) => ({
              id,
              shortDescription: { text: title },
              defaultConfiguration: { level: levels[severity] },
              properties: { "security-severity": securitySeverities[severity] },
            })),
          },
        },
        invocations: [
          {
            executionSuccessful: missing.every(({ isOptional }) => isOptional),
            endTimeUtc: report.madeAt,
            toolExecutionNotifications: missing.map(({ what, why, isOptional }) => ({
              level: isOptional ? "note" : "error",
              message: { text: `${what}: ${why}` },
            })),
          },
        ],
        results: findings.map(resultOf),
      },
    ],
  };
  return `${JSON.stringify(sarif, undefined, 2)}\n`;
}

function resultOf({ check, severity, title, why, subject, evidence, fix }: Finding) {
  const commands = fix.commands ?? [];
  return {
    ruleId: check,
    level: levels[severity],
    message: { text: [title, why, `Fix: ${fix.summary}`, ...commands].join("\n") },
    locations: evidence.map((source) => locationOf(source, subject)),
    partialFingerprints: { "finding/v1": `${check} ${nameOf(subject)}` },
  };
}

function locationOf(source: Source, subject: Subject) {
  const logicalLocations = [{ fullyQualifiedName: source.t === "file" ? nameOf(subject) : formatSource(source) }];
  if (source.t !== "file") return { logicalLocations };
  const region = source.line === undefined ? {} : { region: { startLine: source.line } };
  return { physicalLocation: { artifactLocation: { uri: uriOf(source.path) }, ...region }, logicalLocations };
}

/** Relative paths stay relative, to the directory the report was made in. */
function uriOf(path: string): string {
  const encoded = path.split("/").map(encodeURIComponent).join("/");
  return path.startsWith("/") ? `file://${encoded}` : encoded;
}

function nameOf(subject: Subject): string {
  switch (subject.t) {
    case "cluster":
      return "cluster";
    case "node":
      return `node/${subject.node}`;
    case "object":
      return [subject.kind, subject.namespace, subject.name].filter((part) => part !== undefined).join("/");
    case "file":
      return subject.path;
    default:
      return subject satisfies never;
  }
}
