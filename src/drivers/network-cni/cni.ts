import { EngineError, messageOf } from "#base/errors.ts";
import type { JsonObject } from "#base/json.ts";
import { type Call, detachedCall } from "#core/call.ts";
import { CniCache } from "./cni-cache.ts";
import { type CniCommand, type CniPlugin, execPlugin, findPlugin } from "./cni-exec.ts";
import { type CniResult, decodeCniResult } from "./cni-result.ts";

/** A network configuration list, as in a `.conflist` file. Source: CNI SPEC 1.0.0 section 1. */
export type CniNetworkList = {
  readonly cniVersion: string;
  readonly name: string;
  readonly disableCheck?: boolean;
  readonly plugins: readonly (JsonObject & { type: string })[];
};

/** One interface of one container on one network. */
export type CniAttachmentSpec = {
  readonly containerId: string;
  /** Empty when the linux namespace is gone already; DEL must bear that. */
  readonly linuxNamespacePath: string;
  readonly interfaceName: string;
  /** `CNI_ARGS`. */
  readonly args?: Readonly<Record<string, string>>;
  /** By capability (`portMappings`, `ips`, `mac`): handed to the plugins that declare it. */
  readonly capabilityArgs?: JsonObject;
};

export type CniOptions = {
  /** Searched in order for a plugin's binary. */
  readonly binDirectories: readonly string[];
  /** Results of ADD are kept here until DEL, as libcni does. */
  readonly cacheDirectory: string;
  /** One plugin run; a longer one is killed. */
  readonly timeoutMs: number;
};

type LocatedPlugin = { readonly config: JsonObject & { type: string }; readonly path: Promise<string> };

/** Runs CNI plugin lists as specified: ADD and CHECK in order with the previous result, DEL in reverse. */
export class Cni {
  readonly #options: CniOptions;
  readonly #cache: CniCache;

  constructor(options: CniOptions) {
    this.#options = options;
    this.#cache = new CniCache(options.cacheDirectory);
  }

  /**
   * Adds the attachment; when a plugin fails or `call` is aborted, those that ran are undone.
   * @throws EngineError with the plugin's own text
   */
  async add(call: Call, list: CniNetworkList, spec: CniAttachmentSpec): Promise<CniResult> {
    try {
      let result: JsonObject | undefined;
      for (const plugin of this.#located(list)) result = await this.#run(call, "ADD", { list, plugin, spec, result });
      if (result === undefined) throw new EngineError("invalidArgument", `network ${list.name}: no plugin in its list`);
      await this.#cache.write(list, spec, result);
      return decodeCniResult(result, `network ${list.name}`);
    } catch (error) {
      await this.#undo(detachedCall(call), list, spec);
      throw error;
    }
  }

  /** Takes the attachment away. Idempotent, as the specification asks of plugins. */
  async delete(call: Call, list: CniNetworkList, spec: CniAttachmentSpec): Promise<void> {
    const plugins = this.#located(list);
    const cached = await this.#cache.read(list, spec);
    const effective = cached === undefined ? spec : { ...spec, capabilityArgs: cached.capabilityArgs };
    for (const plugin of plugins.toReversed()) {
      await this.#run(call, "DEL", { list, plugin, spec: effective, result: cached?.result });
    }
    await this.#cache.delete(list, spec);
  }

  /** @throws EngineError when the attachment is not as ADD left it @throws notFound when there is no result of ADD */
  async check(call: Call, list: CniNetworkList, spec: CniAttachmentSpec): Promise<void> {
    if (list.disableCheck === true) return;
    const cached = await this.#cache.read(list, spec);
    if (cached === undefined) throw new EngineError("notFound", `network ${list.name}: no cached result of ADD`);
    for (const plugin of this.#located(list))
      await this.#run(call, "CHECK", { list, plugin, spec, result: cached.result });
  }

  /** The list that ADD was made with, of whatever network, `likely` being looked at first; undefined without a cached result. */
  async listOf(spec: CniAttachmentSpec, likely?: CniNetworkList): Promise<CniNetworkList | undefined> {
    return await this.#cache.listOf(spec, likely);
  }

  /** Their binaries are looked for all at once; one that is missing fails when it is its turn. */
  #located(list: CniNetworkList): LocatedPlugin[] {
    return list.plugins.map((config) => {
      const path = findPlugin(this.#options.binDirectories, config.type);
      // Where one before it fails, nobody asks.
      path.catch(() => {});
      return { config, path };
    });
  }

  async #undo(call: Call, list: CniNetworkList, spec: CniAttachmentSpec): Promise<void> {
    try {
      await this.delete(call, list, spec);
    } catch (error) {
      call.log.warn({ containerId: spec.containerId }, `network ${list.name}: roll-back: ${messageOf(error)}`);
    }
  }

  async #run(
    call: Call,
    command: CniCommand,
    run: {
      list: CniNetworkList;
      plugin: LocatedPlugin;
      spec: CniAttachmentSpec;
      result: JsonObject | undefined;
    },
  ): Promise<JsonObject | undefined> {
    const { config, path } = run.plugin;
    const plugin: CniPlugin = {
      type: config.type,
      path,
      config: pluginConfig({ ...run, plugin: config }),
      ...run.spec,
    };
    return await execPlugin(call, this.#options, command, plugin);
  }
}

/** Request configuration of one plugin: its own keys, the list's name and version, capability arguments, previous result. */
function pluginConfig(run: {
  list: CniNetworkList;
  plugin: JsonObject & { type: string };
  spec: CniAttachmentSpec;
  result: JsonObject | undefined;
}): JsonObject {
  const { capabilities, ...own } = run.plugin;
  const config: JsonObject = { ...own, cniVersion: run.list.cniVersion, name: run.list.name };
  const runtimeConfig = declaredArguments(capabilities, run.spec.capabilityArgs ?? {});
  if (Object.keys(runtimeConfig).length > 0) config["runtimeConfig"] = runtimeConfig;
  if (run.result !== undefined) config["prevResult"] = run.result;
  return config;
}

function declaredArguments(capabilities: unknown, given: JsonObject): JsonObject {
  const declared = typeof capabilities === "object" && capabilities !== null ? Object.entries(capabilities) : [];
  const enabled = new Set(declared.filter(([, on]) => on === true).map(([name]) => name));
  return Object.fromEntries(Object.entries(given).filter(([name]) => enabled.has(name)));
}
