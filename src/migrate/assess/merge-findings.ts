import { severities, type Finding } from "./finding.ts";

const maxEvidence = 20;

/**
 * Findings of one check with the same title become one, with the evidence of all; sorted from worst to least, then by
 * check and title.
 */
export function mergeFindings(findings: Iterable<Finding>): Finding[] {
  const byTitle = new Map<string, Finding>();
  for (const finding of findings) {
    const key = `${finding.check} ${finding.title}`;
    const known = byTitle.get(key);
    byTitle.set(key, known === undefined ? finding : merged(known, finding));
  }
  return [...byTitle.values()].toSorted(
    (a, b) =>
      severities.indexOf(a.severity) - severities.indexOf(b.severity) ||
      compare(a.check, b.check) ||
      compare(a.title, b.title),
  );
}

function merged(a: Finding, b: Finding): Finding {
  const nodes = [...new Set([...(a.nodes ?? []), ...(b.nodes ?? [])])].toSorted();
  const evidence = new Map([...a.evidence, ...b.evidence].map((source) => [JSON.stringify(source), source]));
  return {
    ...a,
    severity: severities[Math.min(severities.indexOf(a.severity), severities.indexOf(b.severity))] ?? a.severity,
    evidence: [...evidence.values()].slice(0, maxEvidence),
    ...(nodes.length === 0 ? {} : { nodes }),
  };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
