import type { TomlValue } from "smol-toml";
import type { Source } from "../host/source.ts";
import { below, findLeaf, leavesOf, type KeyPath, type Leaf } from "./leaf.ts";
import { advance, startJourney } from "./migrate-config.ts";
import type { ContainerdConfig } from "./parse-config.ts";
import { criImages, criRuntime } from "./steps/v2-to-v3.ts";

/** An OCI runtime or shim as the configuration has it. */
export type HandlerView = {
  readonly name: string;
  readonly type: string | undefined;
  readonly options: Readonly<Record<string, TomlValue>>;
  /** Of its type, or of the first key there is. */
  readonly source: Source;
};

/**
 * A configuration of any version, asked by the names of version 3. Sources are where things stand in the file, whatever
 * they are called there.
 */
export class ConfigView {
  readonly config: ContainerdConfig;
  /** By the names of the file. */
  readonly own: readonly Leaf[];
  readonly #leaves: readonly Leaf[];

  constructor(config: ContainerdConfig) {
    this.config = config;
    this.own = leavesOf(config.tree, config.sourceOf);
    const journey = startJourney(config);
    if (config.version < 3) advance(journey, config.version, { to: 3 });
    this.#leaves = journey.leaves;
  }

  runtime(...path: string[]): Leaf | undefined {
    return findLeaf(this.#leaves, "plugins", criRuntime, ...path);
  }

  images(...path: string[]): Leaf | undefined {
    return findLeaf(this.#leaves, "plugins", criImages, ...path);
  }

  top(...path: string[]): Leaf | undefined {
    return findLeaf(this.#leaves, ...path);
  }

  /** Leaves below the images' plugin. */
  imagesBelow(...path: string[]): Leaf[] {
    return this.#leaves.filter((leaf) => below(leaf.path, "plugins", criImages, ...path) !== undefined);
  }

  /** The handlers that the file names; containerd adds `runc` where it names none. */
  get handlers(): HandlerView[] {
    const byName = new Map<string, HandlerView>();
    for (const { path, value, origin } of this.#leaves) {
      const rest: KeyPath | undefined = below(path, "plugins", criRuntime, "containerd", "runtimes");
      const [name = "", key = "", option = ""] = rest ?? [];
      if (rest === undefined || name === "") continue;
      const handler = byName.get(name) ?? { name, type: undefined, options: {}, source: origin.source };
      if (key === "runtime_type" && typeof value === "string")
        byName.set(name, { ...handler, type: value, source: origin.source });
      else if (key === "options" && option !== "") {
        byName.set(name, { ...handler, options: { ...handler.options, [option]: value } });
      } else byName.set(name, handler);
    }
    return [...byName.values()];
  }
}
