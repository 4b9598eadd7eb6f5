import { isKind, messageOf } from "#base/errors.ts";
import { KubernetesClient } from "#clients/kubernetes/kubernetes-client.ts";
import { loadConnection } from "#clients/kubernetes/load-connection.ts";
import type { Aim } from "#migrate/assess/check.ts";
import { severities, type Severity } from "#migrate/assess/finding.ts";
import { makeReport, reaches, type Report } from "#migrate/assess/report.ts";
import type { ClusterFacts } from "#migrate/cluster/cluster-facts.ts";
import { readApi } from "#migrate/cluster/read-api.ts";
import { readManifests } from "#migrate/cluster/read-manifests.ts";
import { parseKubernetesVersion } from "#migrate/host/kubernetes-version.ts";
import { tableReport } from "#migrate/report/table-report.ts";
import { CliError } from "../../cli-error.ts";
import { clientVersion } from "../../client-version.ts";
import type { Command } from "../../command.ts";
import type { Flags } from "../../flags.ts";
import { isTerminal, write } from "../../output.ts";

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
    const clusters = await readClusters(interrupt, flags);
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

async function readClusters(call: { signal: AbortSignal }, flags: Flags): Promise<ClusterFacts[]> {
  const directories = flags.list("filename");
  using progress = openProgress();
  if (directories.length > 0) {
    const facts: ClusterFacts[] = [];
    for (const directory of directories) facts.push(await readManifests(call, { directory, progress: progress.show }));
    return facts;
  }
  try {
    const choice = { kubeconfig: flags.text("kubeconfig"), context: flags.text("context"), env: process.env };
    using client = new KubernetesClient(await loadConnection(choice));
    return [await readApi(call, { client, progress: progress.show, askKubelets: true })];
  } catch (error) {
    if (isKind(error, "canceled")) throw error;
    throw new CliError(messageOf(error), {
      next: "read manifests instead: ferry migrate assess -f DIR; or name a cluster: --kubeconfig FILE --context NAME",
      cause: error,
    });
  }
}

function parseSeverity(text: string): Severity {
  const found = severities.find((severity) => severity === text);
  if (found === undefined) throw new Error(`one of ${severities.join(", ")}`);
  return found;
}

/** A line on standard error that is written over; nothing where that is no terminal. */
function openProgress(): Disposable & { show: (text: string) => void } {
  if (!isTerminal(2)) return { show() {}, [Symbol.dispose]() {} };
  return {
    show: (text) => write(2, `\r\x1b[K${text}`),
    [Symbol.dispose]: () => write(2, "\r\x1b[K"),
  };
}

function onInterrupt(): Disposable & { signal: AbortSignal } {
  const stop = new AbortController();
  const abort = () => stop.abort();
  process.once("SIGINT", abort);
  return { signal: stop.signal, [Symbol.dispose]: () => process.off("SIGINT", abort) };
}

function terminal(): { width: number; color: boolean } {
  const isScreen = isTerminal(1);
  return { width: isScreen ? process.stdout.columns : 100, color: isScreen && process.env["NO_COLOR"] === undefined };
}
