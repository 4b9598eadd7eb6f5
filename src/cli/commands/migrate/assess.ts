import { isKind, messageOf } from "#base/errors.ts";
import { severities, type Severity } from "#migrate/assess/finding.ts";
import { makeReport, reaches, type Report } from "#migrate/assess/report.ts";
import type { Call } from "#migrate/call.ts";
import type { ClusterFacts } from "#migrate/cluster/cluster-facts.ts";
import { parseKubernetesVersion } from "#migrate/host/kubernetes-version.ts";
import { tableReport } from "#migrate/report/table-report.ts";
import type { HostSurvey } from "#migrate/survey/host-survey.ts";
import { exitCodes } from "#migrate/exit-codes.ts";
import { CliError } from "../../cli-error.ts";
import { clientVersion } from "../../client-version.ts";
import type { Command } from "../../command.ts";
import type { Flags } from "../../flags.ts";
import { chooseFormat } from "../../format/choose-format.ts";
import { isTerminal, write } from "../../output.ts";
import { openProgress } from "../../format/open-progress.ts";
import { onInterrupt, readClusters } from "./read-clusters.ts";

export const migrateAssess: Command = {
  usage: "[OPTIONS]",
  summary: "Find what depends on Docker, with evidence and fixes: in a cluster, in manifests, on a node",
  flags: `
    --cluster-only           Only the cluster or the manifests, no host
    --context string         Context of the kubeconfig
    --fail-on string         Exit with 2 when a finding is as bad: blocker, high, medium or low
-f, --filename list          Read manifests instead of a cluster: a directory, a file, or - for STDIN
    --format string          table (default), json, sarif (for code scanning) or html (a page)
    --kubeconfig string      Kubeconfig file (KUBECONFIG, ~/.kube/config, in a pod its service account)
    --no-kubelets            Do not ask kubelets for their configuration and metrics
    --node-only              Only the host: this one, or --root
    --print-rbac             Print the least rights that a cluster must give, and end
    --root string            Read a node's files below a directory: /, or a copy of its root
    --target-version string  Kubernetes version that the cluster goes to: 1.34
`,
  args: { min: 0, max: 0 },
  example:
    "ferry migrate assess\nferry migrate assess --format html > report.html\nferry migrate assess -f ./manifests --fail-on high\nferry migrate assess --root /mnt/node-1",
  usageExitCode: 1,
  run: async (session, { flags }) => {
    if (flags.bool("print-rbac")) return await printRbac();
    const threshold = flags.parsed("fail-on", parseSeverity);
    const format = chooseFormat(session.format(flags), ["table", "json", "sarif", "html"]);
    const targetMinor = flags.parsed("target-version", (text) => parseKubernetesVersion(text).minor);
    using interrupt = onInterrupt();
    const { clusters, host } = await readAll(interrupt, flags);
    const madeAt = new Date().toISOString();
    const report = makeReport({ clusters, host, aim: { targetMinor }, toolVersion: clientVersion(), madeAt });
    write(1, await formats[format](report));
    return exitCodeOf(report, threshold);
  },
};

type Asked = { readonly clusters: readonly ClusterFacts[]; readonly host: HostSurvey | undefined };

/** Of clusters and a host what is asked for: a host where it is named, a cluster unless only the host is. */
async function readAll(call: Call, flags: Flags): Promise<Asked> {
  const [nodeOnly, clusterOnly, root] = [flags.bool("node-only"), flags.bool("cluster-only"), flags.text("root")];
  if (nodeOnly && clusterOnly) throw new CliError("--node-only and --cluster-only leave nothing", { exitCode: 125 });
  const wantsHost = nodeOnly || (root !== undefined && !clusterOnly);
  const host = wantsHost ? await readHost(call, root ?? "/") : undefined;
  const namesCluster = ["filename", "kubeconfig", "context"].some((name) => flags.has(name));
  if (nodeOnly || (wantsHost && !namesCluster)) return { clusters: [], host };
  return { clusters: await readClusters(call, flags, { askKubelets: !flags.bool("no-kubelets") }), host };
}

async function readHost(call: Call, directory: string): Promise<HostSurvey> {
  const { HostRoot } = await import("#migrate/host/host-root.ts");
  const { openRunningHost } = await import("#migrate/host/open-running-host.ts");
  const { surveyHost } = await import("#migrate/survey/survey-host.ts");
  using progress = openProgress();
  const root = await HostRoot.open(directory);
  try {
    return await surveyHost(call, { root, running: openRunningHost(root), progress: progress.show });
  } catch (error) {
    if (!isKind(error, "permissionDenied")) throw error;
    throw new CliError(messageOf(error), {
      next: "a node's files are root's: sudo ferry migrate assess",
      cause: error,
    });
  }
}

async function printRbac(): Promise<number> {
  const { rbacManifest } = await import("#migrate/cluster/rbac-manifest.ts");
  write(1, rbacManifest());
  return 0;
}

type Format = "table" | "json" | "sarif" | "html";

const formats: Readonly<Record<Format, (report: Report) => Promise<string> | string>> = {
  table: (report) => tableReport(report, terminal()),
  json: (report) => `${JSON.stringify(report, undefined, 2)}\n`,
  sarif: async (report) => (await import("#migrate/report/sarif-report.ts")).sarifReport(report),
  html: async (report) => (await import("#migrate/report/html-report.ts")).htmlReport(report),
};

function exitCodeOf(report: Report, threshold: Severity | undefined): number {
  if (threshold !== undefined && reaches(report, threshold)) return exitCodes.alarm;
  return report.missing.some(({ isOptional }) => !isOptional) ? exitCodes.incomplete : 0;
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
