import { dirname } from "node:path";
import { parse } from "yaml";
import { EngineError, messageOf } from "#base/errors.ts";
import { JsonReader } from "#base/json-reader.ts";

/** A named entry and the directory that its relative paths start from. */
export type KubeconfigEntry = { readonly name: string; readonly directory: string; readonly value: JsonReader };

export type Kubeconfig = {
  readonly path: string;
  readonly currentContext: string | undefined;
  readonly clusters: readonly KubeconfigEntry[];
  readonly users: readonly KubeconfigEntry[];
  readonly contexts: readonly KubeconfigEntry[];
};

const maxEntries = 10_000;

/**
 * Reads a kubeconfig file.
 *
 * Source: https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/
 *
 * @throws invalidArgument when it is not YAML or not a kubeconfig
 */
export function parseKubeconfig(path: string, text: string): Kubeconfig {
  const what = `kubeconfig ${path}`;
  const reader = new JsonReader(parseYaml(what, text), what);
  const entries = (list: string, member: string) =>
    reader
      .at(list)
      .list(maxEntries)
      .map((entry) => ({ name: entry.at("name").string(), directory: dirname(path), value: entry.at(member) }));
  const currentContext = reader.at("current-context").optionalString();
  return {
    path,
    currentContext: currentContext === "" ? undefined : currentContext,
    clusters: entries("clusters", "cluster"),
    users: entries("users", "user"),
    contexts: entries("contexts", "context"),
  };
}

/** Several files as one: what comes first wins, entry by entry. Source: kubectl's rules for `KUBECONFIG`. */
export function mergeKubeconfigs(configs: readonly Kubeconfig[]): Kubeconfig {
  const firstOf = (list: readonly KubeconfigEntry[]) =>
    list.filter((entry, at) => list.findIndex(({ name }) => name === entry.name) === at);
  return {
    path: configs.map(({ path }) => path).join(":"),
    currentContext: configs.find(({ currentContext }) => currentContext !== undefined)?.currentContext,
    clusters: firstOf(configs.flatMap(({ clusters }) => clusters)),
    users: firstOf(configs.flatMap(({ users }) => users)),
    contexts: firstOf(configs.flatMap(({ contexts }) => contexts)),
  };
}

function parseYaml(what: string, text: string): unknown {
  try {
    return parse(text, { maxAliasCount: 100 });
  } catch (error) {
    // The parser's message quotes lines, and lines of this file hold credentials.
    throw new EngineError("invalidArgument", `${what}: not YAML (${messageOf(error).split(":")[0]?.slice(0, 80)})`);
  }
}
