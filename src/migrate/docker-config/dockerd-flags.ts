import { lookUp } from "#base/look-up.ts";
import { redact } from "#base/errors.ts";
import type { Fact, Source } from "../host/source.ts";
import { daemonKeys, isDaemonKey } from "./daemon-keys.ts";
import { readValue, type ConfigProblem, type DaemonSettings } from "./decode-daemon-json.ts";

/** Flags that are named otherwise than the key of `daemon.json`. Source: moby `daemon/command/config*.go`. */
const renamed: Readonly<Record<string, string>> = {
  "authorization-plugin": "authorization-plugins",
  "cdi-spec-dir": "cdi-spec-dirs",
  "cluster-store-opt": "cluster-store-opts",
  "default-address-pool": "default-address-pools",
  "default-network-opt": "default-network-opts",
  "default-ulimit": "default-ulimits",
  "dns-opt": "dns-opts",
  "exec-opt": "exec-opts",
  feature: "features",
  host: "hosts",
  "insecure-registry": "insecure-registries",
  label: "labels",
  "log-opt": "log-opts",
  "node-generic-resource": "node-generic-resources",
  "add-runtime": "runtimes",
  "registry-mirror": "registry-mirrors",
  "storage-opt": "storage-opts",
};
const shorts: Readonly<Record<string, string>> = {
  b: "bridge",
  D: "debug",
  g: "graph",
  G: "group",
  H: "host",
  l: "log-level",
  p: "pidfile",
  s: "storage-driver",
};
const proxies = new Set(["http-proxy", "https-proxy", "no-proxy"]);

export type DockerdFlags = {
  readonly settings: DaemonSettings;
  readonly problems: readonly ConfigProblem[];
  /** `--config-file`. */
  readonly configFile: string | undefined;
};

/** A word of the command line and where it stands. */
export type PlacedWord = { readonly text: string; readonly path: string; readonly line: number };

/** Reads what `dockerd` is started with, the program's name not among `words`, as the keys of `daemon.json` have it. */
export function decodeDockerdFlags(words: readonly PlacedWord[]): DockerdFlags {
  const values = new Map<string, unknown>();
  const sources = new Map<string, Source>();
  const problems: ConfigProblem[] = [];
  let configFile: string | undefined;
  for (const { name, value, source } of readWords(words)) {
    const key = proxies.has(name) ? "proxies" : (lookUp(renamed, name) ?? name);
    if (name === "config-file") configFile = value;
    else if (!isDaemonKey(key)) problems.push({ key: `--${name}`, source, why: "dockerd has no such flag" });
    else {
      values.set(key, proxies.has(name) ? { ...objectAt(values, key), [name]: value } : addTo(values, key, value));
      if (!sources.has(key)) sources.set(key, source);
    }
  }
  const settings: Record<string, Fact<unknown>> = {};
  for (const [key, value] of values) {
    const source = sources.get(key);
    if (source === undefined) continue;
    const read = readValue(key, value);
    if ("why" in read) problems.push({ key, source, why: read.why });
    else settings[key] = { value: read.value, source };
  }
  return { settings, problems, configFile };
}

type Flag = { readonly name: string; readonly value: string; readonly source: Source };

function readWords(words: readonly PlacedWord[]): Flag[] {
  const flags: Flag[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at];
    const [, dashes, body, inline] = /^(--?)([\w-]+?)(?:=(.*))?$/s.exec(word?.text ?? "") ?? shortWithValue(word);
    if (word === undefined || dashes === undefined || body === undefined) continue;
    const short = dashes === "-" ? shorts[body.charAt(0)] : undefined;
    const name = short ?? body;
    // -Hunix:///x is one word.
    const glued = short !== undefined && body.length > 1 ? word.text.slice(2) : inline;
    const isFlag = isDaemonKey(name) && daemonKeys[name].expected === "true or false";
    const next = words[at + 1]?.text;
    // What dockerd does not know takes no other flag for its value.
    const takesNext = glued === undefined && !isFlag && (isKnown(name) || next?.startsWith("-") === false);
    if (takesNext) at++;
    const value = glued ?? (isFlag ? "true" : takesNext ? (next ?? "") : "");
    const excerpt = redact(isFlag ? word.text : `${dashes}${body} ${value}`).slice(0, 200);
    flags.push({ name, value, source: { t: "file", path: word.path, line: word.line, excerpt } });
  }
  return flags;
}

function isKnown(name: string): boolean {
  return isDaemonKey(name) || Object.hasOwn(renamed, name) || proxies.has(name) || name === "config-file";
}

/** `-Hunix:///run/docker.sock`: more than letters behind a short flag. */
function shortWithValue(word: PlacedWord | undefined): (string | undefined)[] {
  return /^(-)([A-Za-z]\S+)$/.exec(word?.text ?? "") ?? [];
}

/** A flag's text as the JSON value that stands for it, added to what earlier ones of its kind said. */
function addTo(values: ReadonlyMap<string, unknown>, key: keyof typeof daemonKeys, text: string): unknown {
  const { expected } = daemonKeys[key];
  if (expected === "a list of strings") return [...listAt(values, key), text];
  if (expected === "true or false") return booleans.get(text) ?? text;
  if (expected === "a whole number") return /^-?\d+$/.test(text) ? Number(text) : text;
  if (key === "default-address-pools") {
    const pool = Object.fromEntries(text.split(",").map((part) => cut(part)));
    return [...listAt(values, key), { base: pool["base"], size: Number(pool["size"]) }];
  }
  if (!expected.startsWith("an object")) return text;
  const [name, value] = cut(text);
  return { ...objectAt(values, key), [name]: memberOf(key, value) };
}

/** Source: Go `strconv.ParseBool`. */
const booleans: ReadonlyMap<string, boolean> = new Map([
  ...["1", "t", "T", "true", "TRUE", "True"].map((word) => [word, true] as const),
  ...["0", "f", "F", "false", "FALSE", "False"].map((word) => [word, false] as const),
]);

function memberOf(key: string, text: string): unknown {
  if (key === "runtimes") return { path: text };
  if (key === "features") return booleans.get(text) ?? text;
  if (key !== "default-ulimits") return text;
  const [soft = "", hard = soft] = text.split(":");
  return { Soft: Number(soft), Hard: Number(hard) };
}

function cut(text: string): [string, string] {
  const equals = text.indexOf("=");
  return equals < 0 ? [text, ""] : [text.slice(0, equals), text.slice(equals + 1)];
}

function listAt(values: ReadonlyMap<string, unknown>, key: string): readonly unknown[] {
  const value = values.get(key);
  return Array.isArray(value) ? value : [];
}

function objectAt(values: ReadonlyMap<string, unknown>, key: string): object {
  const value = values.get(key);
  return typeof value === "object" && value !== null ? value : {};
}
