import type { Aim } from "#migrate/assess/check.ts";
import { severities, type Severity } from "#migrate/assess/finding.ts";
import { makeReport, reaches, type Report } from "#migrate/assess/report.ts";
import { parseKubernetesVersion } from "#migrate/host/kubernetes-version.ts";
import { tableReport } from "#migrate/report/table-report.ts";
import { CliError } from "../../cli-error.ts";
import { clientVersion } from "../../client-version.ts";
import type { Command } from "../../command.ts";
import { isTerminal, write } from "../../output.ts";
import { onInterrupt, readClusters } from "./read-clusters.ts";

/** Exit codes beside 0 and 1; docs/cli.md names them. */
const reached = 2;
const incomplete = 3;

export const migrateAssess: Command = {
  usage: "[OPTIONS]",
  summary: "Find what in a cluster depends on Docker, with evidence and fixes",
  flags: `
    --context string         Context of the kubeconfig
    --fail-on string         Exit with 2 when a finding is as bad: blocker, high, medium or low
-f, --filename list          Read manifests below a directory instead of a cluster
    --format string          table (default), json, sarif (for code scanning) or html (a page)
    --kubeconfig string      Kubeconfig file (KUBECONFIG, ~/.kube/config, in a pod its service account)
    --target-version string  Kubernetes version that the cluster goes to: 1.34
`,
  args: { min: 0, max: 0 },
  example:
    "ferry migrate assess\nferry migrate assess --format html > report.html\nferry migrate assess -f ./manifests --fail-on high",
  usageExitCode: 1,
  run: async (session, { flags }) => {
    const threshold = flags.parsed("fail-on", parseSeverity);
    const format = parseFormat(session.format(flags) ?? "table");
    const aim: Aim = { targetMinor: flags.parsed("target-version", (text) => parseKubernetesVersion(text).minor) };
    using interrupt = onInterrupt();
    const clusters = await readClusters(interrupt, flags, { askKubelets: true });
    const report = makeReport({ clusters, aim, toolVersion: clientVersion(), madeAt: new Date().toISOString() });
    write(1, await formats[format](report));
    return exitCodeOf(report, threshold);
  },
};

type Format = "table" | "json" | "sarif" | "html";

const formats: Readonly<Record<Format, (report: Report) => Promise<string> | string>> = {
  table: (report) => tableReport(report, terminal()),
  json: (report) => `${JSON.stringify(report, undefined, 2)}\n`,
  sarif: async (report) => (await import("#migrate/report/sarif-report.ts")).sarifReport(report),
  html: async (report) => (await import("#migrate/report/html-report.ts")).htmlReport(report),
};

function parseFormat(text: string): Format {
  switch (text) {
    case "table":
    case "json":
    case "sarif":
    case "html":
      return text;
    default:
      throw new CliError(`unknown format ${text}`, { next: `one of: ${Object.keys(formats).join(", ")}` });
  }
}

function exitCodeOf(report: Report, threshold: Severity | undefined): number {
  if (threshold !== undefined && reaches(report, threshold)) return reached;
  return report.missing.some(({ isOptional }) => !isOptional) ? incomplete : 0;
}

function parseSeverity(text: string): Severity {
  const found = severities.find((severity) => severity === text);
  if (found === undefined) throw new Error(`one of ${severities.join(", ")}`);
  return found;
}

function terminal(): { width: number; color: boolean } {
  const isScreen = isTerminal(1);
  return { width: isScreen ? process.stdout.columns : 100, color: isScreen && process.env["NO_COLOR"] === undefined };
}
