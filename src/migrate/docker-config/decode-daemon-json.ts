import { redact } from "#base/errors.ts";
import type { Fact, Source } from "../host/source.ts";
import { daemonKeys, isDaemonKey, type DaemonKey, type DaemonValue } from "./daemon-keys.ts";
import { jsonPlaces } from "./json-places.ts";

/** What the daemon was told, each value with the place that says so. */
export type DaemonSettings = { readonly [K in DaemonKey]?: Fact<DaemonValue<K>> };

/** A part of Docker's configuration that a dockerd would refuse, or not read. */
export type ConfigProblem = { readonly key: string; readonly source: Source; readonly why: string };

export type DecodedSettings = { readonly settings: DaemonSettings; readonly problems: readonly ConfigProblem[] };

/** A `daemon.json`, and where in it `log-opts.max-size` and other members of its values stand. */
export type DecodedFile = DecodedSettings & { readonly lines: ReadonlyMap<string, number> };

const maxExcerpt = 200;

/** Reads a `daemon.json`. What is wrong with one key is told by that key; the others are read. */
export function decodeDaemonJson(text: string, path: string): DecodedFile {
  const source = text.replace(/^\uFEFF/, "");
  if (source.trim() === "") return { settings: {}, problems: [], lines: new Map() };
  const parsed = parseObject(source, path);
  if ("problem" in parsed) return { settings: {}, problems: [parsed.problem], lines: new Map() };
  const lines = source.split("\n");
  const settings: Record<string, Fact<unknown>> = {};
  const problems: ConfigProblem[] = [];
  const all = jsonPlaces(source);
  const places = Map.groupBy(
    all.filter((place) => place.path.length === 1),
    ({ path: [name] }) => name,
  );
  for (const [key, value] of Object.entries(parsed.object)) {
    const found = places.get(key) ?? [];
    const line = found.at(-1)?.line ?? 1;
    const place: Source = { t: "file", path, line, excerpt: excerptOf(lines[line - 1] ?? "") };
    if (found.length > 1)
      problems.push({ key, source: place, why: `is there ${found.length} times; the last one counts` });
    const read = readValue(key, value);
    if ("why" in read) problems.push({ key, source: place, why: read.why });
    else if (read.value !== undefined) settings[key] = { value: read.value, source: place };
  }
  // Each value went through its own key's decoder.
  return { settings, problems, lines: new Map(all.map((place) => [place.path.join("."), place.line])) };
}

/** A value as its key wants it; undefined for `null`, which is as good as not given. */
export function readValue(key: string, value: unknown): { value: unknown } | { why: string } {
  if (proxyNames.has(key)) return { why: 'has no effect here: dockerd reads it below "proxies" only' };
  if (!isDaemonKey(key)) {
    return { why: `the following directives don't match any configuration option: ${key}` };
  }
  if (value === null) return { value: undefined };
  const { expected, read } = daemonKeys[key];
  const decoded = read(value);
  return decoded === undefined ? { why: `must be ${expected}` } : { value: decoded };
}

const proxyNames = new Set(["http-proxy", "https-proxy", "no-proxy"]);

/** More than any configuration has; what is printed of a value is printed by recursion. */
const maxDepth = 64;

function depthOf(text: string): number {
  let [depth, deepest] = [0, 0];
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]]/gs)) {
    if (token === "{" || token === "[") deepest = Math.max(deepest, ++depth);
    else if (token === "}" || token === "]") depth--;
  }
  return deepest;
}

function parseObject(text: string, path: string): { object: object } | { problem: ConfigProblem } {
  const source: Source = { t: "file", path };
  try {
    const value: unknown = JSON.parse(text);
    // Behind the parser, which sees to it that every quote is closed: to look for an end that is not there costs the square.
    if (depthOf(text) > maxDepth) return { problem: { key: "", source, why: `is nested deeper than ${maxDepth}` } };
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return { object: value };
    return { problem: { key: "", source, why: "is not a JSON object" } };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const offset = Number(/position (\d+)/.exec(why)?.[1] ?? text.length);
    const line = text.slice(0, offset).split("\n").length;
    const [message = ""] = why.split(/ in JSON| at position|, "/);
    return { problem: { key: "", source: { ...source, line }, why: `is not JSON: ${message}` } };
  }
}

/** Cut twice: a whole file may be one line, and be asked for once for each key. */
function excerptOf(line: string): string {
  return redact(line.slice(0, 5 * maxExcerpt).trim()).slice(0, maxExcerpt);
}
