import type { FSWatcher } from "node:fs";
import { watch } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { EngineError, errnoOf, messageOf } from "#base/errors.ts";
import type { JsonObject, JsonValue } from "#base/json.ts";
import { JsonReader } from "#base/json-reader.ts";
import type { Call } from "#core/call.ts";
import type { PodAttachment, PodNetwork } from "#core/sandboxes/pod-network.ts";
import { Cni, type CniAttachmentSpec, type CniNetworkList, type CniOptions } from "./cni.ts";
import type { CniResult } from "./cni-result.ts";

const interfaceName = "eth0";
const maxConfigBytes = 1024 * 1024;

/** Which address of a pod is its primary one: of that family where there is one, or the plugin's first. */
export type AddressPreference = "ipv4" | "ipv6" | "cni";
/** Left out: as the plugin has it. */
export type PodNetworkOptions = CniOptions & { readonly addressPreference?: AddressPreference };

/**
 * The network that the first configuration file of a directory names, as kubelets' users expect it: sorted by name,
 * `.conflist`, `.conf` or `.json`. The directory is watched from the first use on; a file that is broken is passed over.
 */
export class CniPodNetwork implements PodNetwork, Disposable {
  readonly #directory: string;
  readonly #cni: Cni;
  readonly #preference: AddressPreference;
  #watcher: FSWatcher | undefined;
  #loaded: Promise<Loaded> | undefined;

  constructor(directory: string, options: PodNetworkOptions) {
    this.#directory = directory;
    this.#preference = options.addressPreference ?? "cni";
    this.#cni = new Cni(options);
  }

  async attach(call: Call, attachment: PodAttachment): Promise<readonly string[]> {
    const loaded = await this.#load();
    if (loaded.list === undefined) throw new EngineError("unavailable", loaded.problem);
    const result = await this.#cni.add(call, loaded.list, specOf(attachment));
    const addresses = addressesOf(result, this.#preference);
    if (addresses.length > 0) return addresses;
    await this.#cni.delete(call, loaded.list, specOf(attachment));
    throw new EngineError("internal", `network ${loaded.list.name}: no address for ${interfaceName}`);
  }

  async detach(call: Call, attachment: PodAttachment): Promise<void> {
    const spec = specOf(attachment);
    // What ADD was made with, also when the directory says something else by now.
    const { list: loaded } = await this.#load();
    const list = (await this.#cni.listOf(spec, loaded)) ?? loaded;
    if (list !== undefined) await this.#cni.delete(call, list, spec);
  }

  async problem(): Promise<string | undefined> {
    const loaded = await this.#load();
    return loaded.list === undefined ? loaded.problem : undefined;
  }

  [Symbol.dispose](): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }

  async #load(): Promise<Loaded> {
    this.#watch();
    const loaded = (this.#loaded ??= loadFirst(this.#directory));
    // Without a watch the directory was not there: look anew each time.
    if (this.#watcher === undefined) this.#loaded = undefined;
    return await loaded;
  }

  #watch(): void {
    if (this.#watcher !== undefined) return;
    try {
      this.#watcher = watch(this.#directory, { persistent: false }, () => (this.#loaded = undefined));
      this.#watcher.on("error", () => this[Symbol.dispose]());
    } catch {
      this.#loaded = undefined;
    }
  }
}

type Loaded = { readonly list: CniNetworkList } | { readonly list: undefined; readonly problem: string };

async function loadFirst(directory: string): Promise<Loaded> {
  let problem = `network plugin: no configuration in ${directory}`;
  for (const name of await configNames(directory)) {
    const path = join(directory, name);
    try {
      return { list: parseNetworkList(await readFile(path), path) };
    } catch (error) {
      problem = `network plugin: ${messageOf(error)}`;
    }
  }
  return { list: undefined, problem };
}

async function configNames(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).filter((name) => /\.(conflist|conf|json)$/.test(name)).sort();
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return [];
    throw error;
  }
}

/** A list, or a single plugin's configuration as a list of one. Source: CNI SPEC 1.0.0 section 1. */
export function parseNetworkList(bytes: Uint8Array, what: string): CniNetworkList {
  const reader = JsonReader.parse(bytes, what, maxConfigBytes);
  const cniVersion = reader.at("cniVersion").optionalString() ?? "0.2.0";
  const name = reader.at("name").string();
  const plugins = reader.at("plugins").isPresent ? reader.at("plugins").list(64) : [reader];
  if (plugins.length === 0) throw new EngineError("invalidArgument", `${what}: no plugins`);
  return {
    cniVersion,
    name,
    disableCheck: reader.at("disableCheck").boolean(),
    plugins: plugins.map((plugin) =>
      Object.assign({}, plugin.object() as JsonObject, { type: plugin.at("type").string() }),
    ),
  };
}

function specOf(attachment: PodAttachment): CniAttachmentSpec {
  const { pod, sandboxId, linuxNamespacePath } = attachment;
  return {
    containerId: sandboxId,
    linuxNamespacePath,
    interfaceName,
    args: {
      IgnoreUnknown: "1",
      K8S_POD_NAMESPACE: pod.namespace,
      K8S_POD_NAME: pod.name,
      K8S_POD_INFRA_CONTAINER_ID: sandboxId,
      K8S_POD_UID: pod.uid,
    },
    capabilityArgs: capabilityArguments(attachment),
  };
}

function capabilityArguments({ ports, annotations, cgroupParent, dns }: PodAttachment): JsonObject {
  const mappings = ports.filter(({ hostPort }) => hostPort > 0);
  const bandwidth = bandwidthOf(annotations);
  return {
    "io.kubernetes.cri.pod-annotations": { ...annotations },
    ...(mappings.length > 0 && {
      portMappings: mappings.map(({ hostPort, containerPort, protocol, hostIp }) => ({
        hostPort,
        containerPort,
        protocol,
        hostIP: hostIp,
      })),
    }),
    ...(bandwidth !== undefined && { bandwidth }),
    ...(cgroupParent !== "" && { cgroupPath: cgroupParent }),
    ...(dns.servers.length > 0 && {
      dns: { Servers: [...dns.servers], Searches: [...dns.searches], Options: [...dns.options] },
    }),
  };
}

/** In bits per second; the burst is as good as unbounded. Source: bandwidth plugin's documentation. */
function bandwidthOf(annotations: Readonly<Record<string, string>>): JsonValue | undefined {
  const ingress = parseRate(annotations["kubernetes.io/ingress-bandwidth"]);
  const egress = parseRate(annotations["kubernetes.io/egress-bandwidth"]);
  const burst = 2 ** 31 - 1;
  const result: JsonObject = {
    ...(ingress !== undefined && { ingressRate: ingress, ingressBurst: burst }),
    ...(egress !== undefined && { egressRate: egress, egressBurst: burst }),
  };
  return Object.keys(result).length === 0 ? undefined : result;
}

const units = { "": 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12, Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40 } as const;

/** A Kubernetes quantity; undefined when it is none. */
function parseRate(text: string | undefined): number | undefined {
  const [, digits, unit = ""] = /^(\d+(?:\.\d+)?)([kMGT]i?|Ki)?$/.exec(text ?? "") ?? [];
  const factor = Object.entries(units).find(([name]) => name === unit)?.[1];
  return digits === undefined || factor === undefined ? undefined : Math.floor(Number(digits) * factor);
}

/** Of the pod's own interface, without prefix length; the preferred one first, the others in the order of the plugin. */
function addressesOf({ interfaces, ips }: CniResult, preference: AddressPreference): string[] {
  const own = ips.filter(({ interfaceIndex }) => {
    const at = interfaceIndex === undefined ? undefined : interfaces[interfaceIndex];
    return at === undefined || at.name === interfaceName;
  });
  const all = own.map(({ address }) => address.split("/")[0] ?? "");
  const first = all.find((address) => preference !== "cni" && address.includes(":") === (preference === "ipv6"));
  return first === undefined ? all : [first, ...all.filter((address) => address !== first)];
}
