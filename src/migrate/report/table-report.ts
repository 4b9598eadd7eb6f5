import { severities, type Finding } from "../assess/finding.ts";
import type { Report } from "../assess/report.ts";
import { formatSource } from "./format-source.ts";

export type TableOptions = {
  /** Wraps text; 80 at least. */
  readonly width: number;
  /** Severities in colours. */
  readonly color: boolean;
};

const maxEvidenceLines = 4;
const colors = { blocker: "1;31", high: "31", medium: "33", low: "36" } as const;

/** The report for people: findings from worst to least, each with evidence and fix, then what is missing, then a count. */
export function tableReport(report: Report, options: TableOptions): string {
  const lines: string[] = [...head(report), ""];
  for (const finding of report.findings) lines.push(...findingLines(finding, options), "");
  lines.push(...missingLines(report));
  lines.push(severities.map((severity) => `${report.summary[severity]} ${severity}`).join(", "));
  return `${lines.map((line) => line.trimEnd()).join("\n")}\n`;
}

function head({ cluster, manifests, host }: Report): string[] {
  const lines: string[] = [];
  if (host !== null) lines.push(`node ${host.node} (files below ${host.root})`);
  if (cluster !== null) {
    const { context, server, version, nodes, workloads, pods } = cluster;
    lines.push(`cluster ${context} (${server}, ${version}): ${nodes} nodes, ${workloads} workloads, ${pods} pods`);
  }
  for (const directory of manifests) lines.push(`manifests in ${directory}`);
  return lines;
}

export function findingLines(
  { severity, title, check, why, evidence, fix, nodes }: Finding,
  options: TableOptions,
): string[] {
  const label = severity.toUpperCase().padEnd(8);
  const lines = [`${title}  [${check}]`];
  lines.push(...wrapped(why, options.width));
  for (const source of evidence.slice(0, maxEvidenceLines)) lines.push(`        at ${formatSource(source)}`);
  if (evidence.length > maxEvidenceLines) lines.push(`        and ${evidence.length - maxEvidenceLines} more places`);
  if (nodes !== undefined) lines.push(`        on ${nodesText(nodes)}`);
  lines.push(...wrapped(`fix: ${fix.summary}`, options.width));
  for (const command of fix.commands ?? []) lines.push(`          ${command}`);
  const [first = "", ...others] = lines.map(printable);
  return [`${options.color ? `\x1b[${colors[severity]}m${label}\x1b[0m` : label}${first}`, ...others];
}

/** Names and excerpts are anybody's: what would move a terminal's cursor or colour its text is shown as what it is. */
function printable(line: string): string {
  return line.replace(/\p{Cc}/gu, (control) => `\\x${control.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

function nodesText(nodes: readonly string[]): string {
  return nodes.length <= 5 ? nodes.join(", ") : `${nodes.slice(0, 4).join(", ")} and ${nodes.length - 4} more nodes`;
}

function missingLines({ missing }: Report): string[] {
  if (missing.length === 0) return [];
  const lines = ["Not read:"];
  for (const { what, why, rule, isOptional } of missing) {
    lines.push(printable(`  ${what}: ${why}${isOptional ? " (optional)" : ""}`));
    if (rule !== undefined) lines.push(`    allow it with: ${rule}`);
  }
  return [...lines, ""];
}

function wrapped(text: string, width: number): string[] {
  const indent = " ".repeat(8);
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/)) {
    if (line !== "" && indent.length + line.length + 1 + word.length > Math.max(width, 80)) {
      lines.push(indent + line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return line === "" ? lines : [...lines, indent + line];
}
