import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { TestApiServer } from "#test/support/kubernetes/api-server.ts";
import { fillCluster } from "#test/support/kubernetes/generated-cluster.ts";
import { makeCa } from "#test/support/certificates.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";

const size = { nodes: 500, pods: 5000 };
const goals = { seconds: 30, mebibytes: 300 };

/** `ferry migrate assess` of a generated cluster, served over TLS by this process: time and peak memory of the command. */
export async function assessCluster(): Promise<void> {
  await using directory = await temporaryDirectory("bench-assess");
  const ca = await makeCa(directory.path);
  const { cert, key } = await ca.issue("server");
  await using server = await TestApiServer.start({
    tls: { cert, key, ca: ca.ca.cert },
    token: "bench",
    version: "1.23.17",
  });
  fillCluster(server, size);
  const kubeconfig = await server.writeKubeconfig(join(directory.path, "config"));
  const report = join(directory.path, "report.json");
  const started = performance.now();
  const peakBytes = await runCommand(kubeconfig, report);
  const seconds = (performance.now() - started) / 1000;
  const { summary, cluster } = JSON.parse(await readFile(report, "utf8")) as { summary: object; cluster: object };
  const mebibytes = peakBytes / 1024 ** 2;
  console.log(`assess of ${JSON.stringify(cluster)}`);
  console.log(`  found ${JSON.stringify(summary)} with ${server.requests.length} requests`);
  console.log(
    `  ${seconds.toFixed(1)} s (goal ${goals.seconds}), peak ${mebibytes.toFixed(0)} MiB (goal ${goals.mebibytes})`,
  );
  if (seconds > goals.seconds || mebibytes > goals.mebibytes) process.exitCode = 1;
}

/** Answers the command's peak resident memory, as the kernel counted it. */
async function runCommand(kubeconfig: string, report: string): Promise<number> {
  const words = [
    "--conditions=source",
    "src/cli/main.ts",
    "migrate",
    "assess",
    "--kubeconfig",
    kubeconfig,
    "--format",
    "json",
  ];
  const script = `exec "$0" "$@" > ${report}`;
  const child = spawn("sh", ["-c", script, process.execPath, ...words], { stdio: ["ignore", "inherit", "inherit"] });
  let peakBytes = 0;
  const look = () => {
    const kilobytes = /VmHWM:\s+(\d+)/.exec(readStatus(child.pid ?? 0))?.[1];
    if (kilobytes !== undefined) peakBytes = Number(kilobytes) * 1024;
  };
  const timer = setInterval(look, 20);
  const { promise, resolve } = Promise.withResolvers<void>();
  child.once("exit", () => resolve());
  await promise;
  clearInterval(timer);
  return peakBytes;
}

function readStatus(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, "utf8");
  } catch {
    return "";
  }
}
