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

type Network = { readonly name: string; readonly cniVersion: string; readonly plugins: readonly JsonReader[] };

/**
 * Does what a stopped dockershim no longer can: CNI DEL for a pod, the last plugin first, so that addresses are given back
 * and rules go. What cannot be read, and a plugin that fails, is told of and passed over: the sweep of residue comes later.
 *
 * Source: https://github.com/containernetworking/cni/blob/main/SPEC.md#del-remove-container-from-network-or-un-apply-modifications
 */
export async function removeFromNetwork(
  call: Call,
  context: Pick<StepContext, "files" | "tell">,
  { pod, cni }: { pod: NetworkedPod; cni: CniDirectories },
): Promise<void> {
  const tell = (what: string, error: unknown) =>
    context.tell(`network of ${pod.podNamespace}/${pod.podName}: ${what}: ${messageOf(error)}`);
  const network = await findNetwork(context.files, cni.config, tell);
  if (network === undefined) return;
  const kept = `${network.name}-${pod.containerId}-${interfaceName}`;
  const results = [join(cni.cache, "results", kept), join(oldResults, kept)];
  const previous = await findResult(context.files, results, tell);
  for (const plugin of network.plugins.toReversed()) {
    const type = plugin.at("type").string();
    const config = {
      ...plugin.object(),
      name: network.name,
      cniVersion: network.cniVersion,
      ...(previous === undefined ? {} : { prevResult: previous }),
    };
    try {
      const path = await findPlugin(context.files, cni.plugins, type);
      await runPlugin(call, { path, config: JSON.stringify(config) }, environmentOf(pod, cni));
    } catch (error) {
      tell(type, error);
    }
  }
  for (const path of results) await context.files.remove(path);
}

type Tell = (what: string, error: unknown) => void;

/** The first configuration by name that can be read, as dockershim takes it. */
async function findNetwork(files: HostFiles, directory: string, tell: Tell): Promise<Network | undefined> {
  const names = await readdir(await files.locate(directory)).catch(() => []);
  for (const name of names.filter((name) => /\.(conflist|conf|json)$/.test(name)).sort()) {
    try {
      const bytes = await files.find(join(directory, name));
      if (bytes !== undefined) return readNetwork(bytes, `${directory}/${name}`);
    } catch (error) {
      tell("passed over", error);
    }
  }
  return undefined;
}

function readNetwork(bytes: Buffer, path: string): Network {
  const config = JsonReader.parse(bytes, path, maxBytes);
  return {
    name: config.at("name").string(),
    cniVersion: config.at("cniVersion").optionalString() ?? "0.2.0",
    plugins: path.endsWith(".conflist") ? config.at("plugins").list(100) : [config],
  };
}

/** What ADD answered, as libcni kept it; plugins of 0.4.0 and later want it back. */
async function findResult(files: HostFiles, paths: readonly string[], tell: Tell): Promise<unknown> {
  for (const path of paths) {
    try {
      const bytes = await files.find(path);
      if (bytes === undefined) continue;
      const kept = JsonReader.parse(bytes, path, maxBytes).object();
      return kept["kind"] === "cniCacheV1" ? kept["result"] : kept;
    } catch (error) {
      tell("passed over", error);
    }
  }
  return undefined;
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
