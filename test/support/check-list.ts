import { clusterChecks } from "#migrate/assess/cluster-checks.ts";
import { nodeChecks } from "#migrate/assess/node-checks.ts";
import type { CheckInfo } from "#migrate/assess/check.ts";

/** The page docs/assess-checks.md, from the tables of checks. */
export function checkListPage(): string {
  return `# What \`ferry migrate assess\` looks for

Severity is that of a check's worst finding: **blocker** the move fails or loses data, **high** a workload stops working,
**medium** something is degraded, **low** to be tidied. The name of a check is stable: use it in exceptions and dashboards.

## In a cluster, or in manifests

${table(clusterChecks)}
## On a node, or in a copy of its root

${table(nodeChecks)}`;
}

function table(checks: readonly CheckInfo[]): string {
  const rows = checks.map(({ id, title, severity }) => `| \`${id}\` | ${title} | ${severity} |\n`);
  return `| Check | Looks for | Severity |\n|---|---|---|\n${rows.join("")}`;
}
