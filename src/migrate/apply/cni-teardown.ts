import { spawn } from "node:child_process";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { JsonReader } from "#base/json-reader.ts";
import { messageOf } from "#base/errors.ts";
import type { Call } from "../call.ts";
import type { HostFiles } from "../host/host-files.ts";
import type { StepContext } from "./step-run.ts";

export type NetworkedPod = {
  readonly containerId: string;
  /** Path of its network; empty when it has gone. */
  readonly linuxNamespace: string;
  readonly podNamespace: string;
  readonly podName: string;
};

/** Where dockershim looked unless told otherwise. */
const configDirectory = "/etc/cni/net.d";
const pluginDirectory = "/opt/cni/bin";
const resultDirectory = "/var/lib/cni";
/** dockershim's only interface. */
const interfaceName = "eth0";
const maxBytes = 1 << 20;

type Network = { readonly name: string; readonly cniVersion: string; readonly plugins: readonly JsonReader[] };

/**
 * Does what a stopped dockershim no longer can: CNI DEL for a pod, the last plugin first, so that addresses are given back
 * and rules go. A plugin that fails is told of and passed over: the sweep of residue comes later.
 *
 * Source: https://github.com/containernetworking/cni/blob/main/SPEC.md#del-remove-container-from-network-or-un-apply-modifications
 */
export async function removeFromNetworks(call: Call, context: StepContext, pod: NetworkedPod): Promise<void> {
  const network = await findNetwork(context.files);
  if (network === undefined) return;
  const previous = await findResult(context.files, network.name, pod.containerId);
  for (const plugin of network.plugins.toReversed()) {
    const type = plugin.at("type").string();
    const config = {
      ...plugin.object(),
      name: network.name,
      cniVersion: network.cniVersion,
      ...(previous === undefined ? {} : { prevResult: previous }),
    };
    try {
      await runPlugin(call, await context.files.locate(join(pluginDirectory, type)), pod, JSON.stringify(config));
    } catch (error) {
      context.tell(`network of ${pod.podNamespace}/${pod.podName}: ${type}: ${messageOf(error)}`);
    }
  }
}

/** The first configuration by name, as dockershim takes it. */
async function findNetwork(files: HostFiles): Promise<Network | undefined> {
  const names = await readdir(await files.locate(configDirectory)).catch(() => []);
  for (const name of names.filter((name) => /\.(conflist|conf|json)$/.test(name)).sort()) {
    const bytes = await files.find(join(configDirectory, name));
    if (bytes === undefined) continue;
    const config = JsonReader.parse(bytes, `${configDirectory}/${name}`, maxBytes);
    return {
      name: config.at("name").string(),
      cniVersion: config.at("cniVersion").optionalString() ?? "0.2.0",
      plugins: name.endsWith(".conflist") ? config.at("plugins").list(100) : [config],
    };
  }
  return undefined;
}

/** What ADD answered, as libcni kept it; plugins of 0.4.0 and later want it back. */
async function findResult(files: HostFiles, network: string, containerId: string): Promise<unknown> {
  const name = `${network}-${containerId}-${interfaceName}`;
  for (const path of [`cache/results/${name}`, `results/${name}`]) {
    const bytes = await files.find(join(resultDirectory, path));
    if (bytes === undefined) continue;
    const kept = JsonReader.parse(bytes, path, maxBytes).object();
    return kept["kind"] === "cniCacheV1" ? kept["result"] : kept;
  }
  return undefined;
}

async function runPlugin(call: Call, path: string, pod: NetworkedPod, config: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const child = spawn(path, [], {
    signal: call.signal,
    stdio: ["pipe", "pipe", "pipe"],
    env: {
      PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
      CNI_COMMAND: "DEL",
      CNI_CONTAINERID: pod.containerId,
      CNI_NETNS: pod.linuxNamespace,
      CNI_IFNAME: interfaceName,
      CNI_PATH: pluginDirectory,
      CNI_ARGS: `IgnoreUnknown=1;K8S_POD_NAMESPACE=${pod.podNamespace};K8S_POD_NAME=${pod.podName};K8S_POD_INFRA_CONTAINER_ID=${pod.containerId}`,
    },
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => (said = (said + text).slice(0, 4_096)));
  }
  child.stdin.on("error", () => {});
  child.stdin.end(config);
  child.on("error", reject).on("close", (code) => (code === 0 ? resolve() : reject(new Error(said.trim()))));
  await promise;
}
