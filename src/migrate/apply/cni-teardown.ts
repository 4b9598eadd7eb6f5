import { spawn } from "node:child_process";
import { access, constants, readdir } from "node:fs/promises";
import { join } from "node:path";
import { JsonReader } from "#base/json-reader.ts";
import { EngineError, messageOf } from "#base/errors.ts";
import type { Call } from "../call.ts";
import type { HostFiles } from "../host/host-files.ts";
import type { CniDirectories } from "../plan/step.ts";
import type { StepContext } from "./step-run.ts";

export type NetworkedPod = {
  readonly containerId: string;
  /** Path of its network; empty when it has gone. */
  readonly linuxNamespace: string;
  readonly podNamespace: string;
  readonly podName: string;
};

/** dockershim's only interface. */
const interfaceName = "eth0";
/** Of libcni before 0.8. */
const oldResults = "/var/lib/cni/results";
const maxBytes = 1 << 20;

/** What ADD answered, which plugins of 0.4.0 and later want back, and what the kubelet had asked of them. */
type Kept = { readonly result: unknown; readonly capabilities: Readonly<Record<string, unknown>> };
/** Files that are read, and where what goes wrong is told. */
type Told = Pick<StepContext, "files" | "tell">;
type Network = { readonly name: string; readonly cniVersion: string; readonly plugins: readonly JsonReader[] };

/**
 * Does what a stopped dockershim no longer can: CNI DEL for a pod, the last plugin first, so that addresses are given back
 * and rules go. What cannot be read, and a plugin that fails, is told of and passed over: the sweep of residue comes later.
 *
 * Source: https://github.com/containernetworking/cni/blob/main/SPEC.md#del-remove-container-from-network-or-un-apply-modifications
 */
export async function removeFromNetwork(
  call: Call,
  context: Told,
  { pod, cni }: { pod: NetworkedPod; cni: CniDirectories },
): Promise<void> {
  const told: Told = {
    files: context.files,
    tell: (text) => context.tell(`network of ${pod.podNamespace}/${pod.podName}: ${text}`),
  };
  const network = await findNetwork(told, cni.config);
  if (network === undefined) return;
  const name = `${network.name}-${pod.containerId}-${interfaceName}`;
  const results = new Set([join(cni.cache, "results", name), join(oldResults, name)]);
  const kept = await findKept(told, results);
  for (const plugin of network.plugins.toReversed()) {
    const type = plugin.at("type").string();
    try {
      const path = await findPlugin(context.files, cni.plugins, type);
      const config = JSON.stringify(configOf(plugin, { network, kept }));
      await runPlugin(call, { path, config }, environmentOf(pod, cni));
    } catch (error) {
      if (call.signal.aborted) throw error;
      told.tell(`${type}: ${messageOf(error)}`);
    }
  }
  for (const path of results) await context.files.remove(path);
}

/** The first configuration by name that is one, as dockershim takes it: others it passes over. */
async function findNetwork(told: Told, directory: string): Promise<Network | undefined> {
  const names = await readdir(await told.files.locate(directory)).catch(() => []);
  for (const name of names.filter((name) => /\.(conflist|conf|json)$/.test(name)).sort()) {
    const network = await tryParse(told, join(directory, name), (config) => {
      const plugins = name.endsWith(".conflist") ? config.at("plugins").list(100) : [config];
      for (const plugin of plugins) plugin.at("type").string();
      const cniVersion = config.at("cniVersion").optionalString() ?? "0.2.0";
      return { name: config.at("name").string(), cniVersion, plugins };
    });
    if (network !== undefined && network.plugins.length > 0) return network;
  }
  return undefined;
}

/** What libcni kept of a pod; of releases before 0.8 the answer alone. */
async function findKept(told: Told, paths: Iterable<string>): Promise<Kept> {
  for (const path of paths) {
    const kept = await tryParse(told, path, (file) => {
      const result = file.object();
      if (file.at("kind").optionalString() !== "cniCacheV1") return { result, capabilities: {} };
      const capabilities = file.at("capabilityArgs");
      return { result: result["result"], capabilities: capabilities.isPresent ? capabilities.object() : {} };
    });
    if (kept !== undefined) return kept;
  }
  return { result: undefined, capabilities: {} };
}

/** Undefined, and told of, where the file is not what it should be. */
async function tryParse<T>(
  { files, tell }: Told,
  path: string,
  decode: (file: JsonReader) => T,
): Promise<T | undefined> {
  try {
    const bytes = await files.find(path);
    return bytes === undefined ? undefined : decode(JsonReader.parse(bytes, path, maxBytes));
  } catch (error) {
    tell(`passed over: ${messageOf(error)}`);
    return undefined;
  }
}

/** What libcni hands a plugin: of what the kubelet asked for (`portMappings`, …) what the plugin says that it can. */
function configOf(plugin: JsonReader, { network, kept }: { readonly network: Network; readonly kept: Kept }) {
  const can = plugin.at("capabilities");
  const asked = Object.entries(kept.capabilities).filter(([name]) => can.at(name).boolean());
  return {
    ...plugin.object(),
    name: network.name,
    cniVersion: network.cniVersion,
    ...(asked.length === 0 ? {} : { runtimeConfig: Object.fromEntries(asked) }),
    ...(kept.result === undefined ? {} : { prevResult: kept.result }),
  };
}

/** @throws notFound naming the directories */
async function findPlugin(files: HostFiles, directories: readonly string[], type: string): Promise<string> {
  for (const directory of directories) {
    const path = await files.locate(join(directory, type));
    if (await isProgram(path)) return path;
  }
  throw new EngineError("notFound", `no such plugin in ${directories.join(", ")}`);
}

async function isProgram(path: string): Promise<boolean> {
  return await access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

function environmentOf(pod: NetworkedPod, { plugins }: CniDirectories): Readonly<Record<string, string>> {
  return {
    PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
    CNI_COMMAND: "DEL",
    CNI_CONTAINERID: pod.containerId,
    CNI_NETNS: pod.linuxNamespace,
    CNI_IFNAME: interfaceName,
    CNI_PATH: plugins.join(":"),
    CNI_ARGS: `IgnoreUnknown=1;K8S_POD_NAMESPACE=${pod.podNamespace};K8S_POD_NAME=${pod.podName};K8S_POD_INFRA_CONTAINER_ID=${pod.containerId}`,
  };
}

type Plugin = { readonly path: string; readonly config: string };

async function runPlugin(call: Call, { path, config }: Plugin, env: Readonly<Record<string, string>>): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const child = spawn(path, [], { signal: call.signal, stdio: ["pipe", "pipe", "pipe"], env });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => (said = (said + text).slice(0, 4_096)));
  }
  child.stdin.on("error", () => {});
  child.stdin.end(config);
  child.on("error", reject).on("close", (code) => (code === 0 ? resolve() : reject(new Error(said.trim()))));
  await promise;
}
