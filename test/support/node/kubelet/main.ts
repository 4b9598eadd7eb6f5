import { flushCompileCache } from "node:module";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { loadConnection } from "#clients/kubernetes/load-connection.ts";
import { KubernetesClient } from "#clients/kubernetes/kubernetes-client.ts";
import { KubeletError, readSettings } from "./arguments.ts";
import { openCriRuntime } from "./cri-runtime.ts";
import { openDockerRuntime } from "./docker-runtime.ts";
import { PodSync } from "./pod-sync.ts";
import { servePods } from "./serve-pods.ts";

// Stands in for a kubelet: `main.ts VERSION CGROUP-PARENT FLAGS…`. Ends with a kubelet's words when it cannot start.
const [version = "", cgroupParent = "", ...words] = process.argv.slice(2);
if (words[0] === "--version") {
  console.log(`Kubernetes v${version}`);
  process.exit(0);
}

try {
  await main();
} catch (error) {
  console.error(`Error: ${error instanceof KubeletError ? error.message : String(error)}`);
  process.exit(1);
}

async function main(): Promise<void> {
  const minor = Number(version.split(".")[1]);
  const settings = readSettings(minor, words);
  const { runtime: chosen } = settings;
  const runtime =
    chosen.t === "docker"
      ? await openDockerRuntime(chosen.socket, { cgroupParent, pauseImage: settings.pauseImage })
      : await openCriRuntime(minor, chosen.endpoint, cgroupParent);
  const client = new KubernetesClient(await loadConnection({ kubeconfig: settings.kubeconfig, env: {} }));
  const nodeName = settings.nodeName === "" ? hostname() : settings.nodeName;
  const sync = new PodSync({ client, runtime, nodeName, version, staticPodPath: settings.staticPodPath });
  servePods(sync, runtime);
  flushCompileCache();
  for (;;) {
    await sync.once().catch((error: unknown) => console.error(String(error)));
    await sleep(200);
  }
}
