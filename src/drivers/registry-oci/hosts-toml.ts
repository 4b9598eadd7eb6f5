import { parse } from "smol-toml";
import { EngineError, messageOf } from "#base/errors.ts";
import { JsonReader } from "#base/json-reader.ts";

export type Capability = "pull" | "resolve" | "push";

/** One host of a `hosts.toml`, files not read yet. Source: containerd docs/hosts.md. */
export type HostEntry = {
  /** As written; undefined for the `server` that is not named. */
  readonly url: string | undefined;
  readonly capabilities: readonly Capability[];
  readonly skipVerify: boolean;
  /** Paths, relative ones from the directory of the file. */
  readonly ca: readonly string[];
  readonly clients: readonly { readonly cert: string; readonly key: string }[];
  readonly overridePath: boolean;
  readonly headers: Readonly<Record<string, string[]>>;
};

/** Mirrors in the order of the file, then the registry itself. */
export type HostsFile = { readonly mirrors: readonly HostEntry[]; readonly server: HostEntry };

export const allCapabilities: readonly Capability[] = ["pull", "resolve", "push"];
const maxItems = 256;

/** @throws invalidArgument naming `path` and what is wrong */
export function decodeHostsToml(text: string, path: string): HostsFile {
  const json = new JsonReader(parseToml(text, path), path);
  const hosts = json.at("host");
  return {
    mirrors: hosts.keys().map((url) => decodeHost(hosts.at(url), url)),
    server: decodeHost(json, json.at("server").optionalString() || undefined),
  };
}

function parseToml(text: string, path: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    throw new EngineError("invalidArgument", `${path}: ${messageOf(error).split("\n")[0] ?? "not TOML"}`);
  }
}

function decodeHost(json: JsonReader, url: string | undefined): HostEntry {
  const capabilities = json.at("capabilities").list(maxItems).map(decodeCapability);
  return {
    url,
    capabilities: capabilities.length === 0 ? allCapabilities : capabilities,
    skipVerify: json.at("skip_verify").boolean(),
    ca: oneOrMore(json.at("ca")),
    clients: decodeClients(json.at("client")),
    overridePath: json.at("override_path").boolean(),
    headers: Object.fromEntries(
      json
        .at("header")
        .keys()
        .map((name) => [name, oneOrMore(json.at("header").at(name))]),
    ),
  };
}

function decodeCapability(json: JsonReader): Capability {
  const text = json.string();
  return allCapabilities.find((known) => known === text) ?? json.fail(`is not one of ${allCapabilities.join(", ")}`);
}

/** `"both.pem"`, `["a.pem", "b.pem"]`, `["cert", "key"]` inside a list of pairs: `[["cert", "key"], ["both.pem", ""]]`. */
function decodeClients(json: JsonReader): { cert: string; key: string }[] {
  if (!json.isPresent) return [];
  if (json.isString) return [pair(json.string(), "")];
  return json.list(maxItems).map((item) => {
    if (item.isString) return pair(item.string(), "");
    const [cert, key, ...more] = item.strings(maxItems);
    if (cert === undefined || more.length > 0) return item.fail("is not a certificate and its key");
    return pair(cert, key ?? "");
  });
}

/** Without a key of its own the certificate's file holds both. */
function pair(cert: string, key: string): { cert: string; key: string } {
  return { cert, key: key === "" ? cert : key };
}

function oneOrMore(json: JsonReader): string[] {
  return json.isString ? [json.string()] : json.strings(maxItems);
}
