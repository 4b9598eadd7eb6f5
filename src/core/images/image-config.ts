import { JsonReader } from "#base/json-reader.ts";
import { isDigest, type DiffId } from "#core/content/digest.ts";
import { decodePlatform, maxManifestBytes } from "./manifest.ts";
import { normalisePlatform, type Platform } from "./platform.ts";

/** What an image says about itself. Source: OCI image-spec config.md; Docker's image spec v1.3. */
export type ImageConfig = {
  readonly platform: Platform;
  /** RFC 3339, as it is written in the image. */
  readonly created?: string;
  readonly author?: string;
  readonly comment?: string;
  readonly dockerVersion?: string;
  /** Lowest first, one for each layer of the manifest. */
  readonly diffIds: readonly DiffId[];
  readonly history: readonly HistoryEntry[];
  readonly config: ImageDefaults;
};

export type HistoryEntry = {
  readonly created?: string;
  readonly createdBy: string;
  readonly author?: string;
  readonly comment?: string;
  /** It made no layer. */
  readonly emptyLayer: boolean;
};

/** What a container takes from its image where it is not told otherwise. Absent lists and texts are empty. */
export type ImageDefaults = {
  readonly user: string;
  /** `KEY=value`. */
  readonly env: readonly string[];
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly workingDir: string;
  readonly labels: Readonly<Record<string, string>>;
  /** `80/tcp`. */
  readonly exposedPorts: readonly string[];
  /** Paths. */
  readonly volumes: readonly string[];
  readonly stopSignal?: string;
  readonly stopTimeoutMs?: number;
  readonly healthcheck?: ImageHealthcheck;
  readonly shell: readonly string[];
  readonly onBuild: readonly string[];
  /** Windows only: `cmd` is one command line. */
  readonly argsEscaped: boolean;
};

/** `test` empty: inherit; `["NONE"]`: none. Times that are 0 or absent are the engine's defaults. */
export type ImageHealthcheck = {
  readonly test: readonly string[];
  readonly intervalMs?: number;
  readonly timeoutMs?: number;
  readonly startPeriodMs?: number;
  readonly startIntervalMs?: number;
  readonly retries?: number;
};

/** An image that asks for nothing. */
export const emptyDefaults: ImageDefaults = {
  user: "",
  env: [],
  entrypoint: [],
  cmd: [],
  workingDir: "",
  labels: {},
  exposedPorts: [],
  volumes: [],
  shell: [],
  onBuild: [],
  argsEscaped: false,
};

const maxItems = 16_384;

/** @throws invalidArgument naming what is wrong */
export function decodeImageConfig(bytes: Uint8Array): ImageConfig {
  const json = JsonReader.parse(bytes, "image config", maxManifestBytes);
  return {
    platform: normalisePlatform(decodePlatform(json)),
    ...optionalTexts(json, {
      created: "created",
      author: "author",
      comment: "comment",
      dockerVersion: "docker_version",
    }),
    diffIds: json.at("rootfs").at("diff_ids").list(1024).map(decodeDiffId),
    history: json.at("history").list(maxItems).map(decodeHistory),
    config: decodeDefaults(json.at("config")),
  };
}

/** As it stands in an image. Lists and texts that are empty are left out. */
export function encodeImageConfig(image: ImageConfig): Uint8Array {
  const { platform, config } = image;
  const document = {
    architecture: platform.architecture,
    ...(platform.variant === undefined ? {} : { variant: platform.variant }),
    os: platform.os,
    ...texts({ created: image.created, author: image.author, comment: image.comment }),
    config: {
      ...texts({ User: config.user, WorkingDir: config.workingDir, StopSignal: config.stopSignal }),
      ...lists({
        Env: config.env,
        Entrypoint: config.entrypoint,
        Cmd: config.cmd,
        Shell: config.shell,
        OnBuild: config.onBuild,
      }),
      ...(Object.keys(config.labels).length === 0 ? {} : { Labels: config.labels }),
      ...keySet("ExposedPorts", config.exposedPorts),
      ...keySet("Volumes", config.volumes),
      ...(config.healthcheck === undefined ? {} : { Healthcheck: encodeHealthcheck(config.healthcheck) }),
    },
    rootfs: { type: "layers", diff_ids: image.diffIds },
    history: image.history.map(({ created, createdBy, author, comment, emptyLayer }) => ({
      ...texts({ created, created_by: createdBy, author, comment }),
      ...(emptyLayer ? { empty_layer: true } : {}),
    })),
  };
  return Buffer.from(JSON.stringify(document));
}

/** For each layer the history entry that made it; undefined where the history is silent. */
export function layerHistory(config: ImageConfig): (HistoryEntry | undefined)[] {
  const made = config.history.filter((entry) => !entry.emptyLayer);
  return config.diffIds.map((_, at) => made[at]);
}

function decodeDefaults(json: JsonReader): ImageDefaults {
  const stopTimeout = json.at("StopTimeout").optionalNumber();
  const healthcheck = json.at("Healthcheck");
  return {
    user: json.at("User").optionalString() ?? "",
    env: json.at("Env").strings(maxItems),
    entrypoint: stringOrList(json.at("Entrypoint")),
    cmd: stringOrList(json.at("Cmd")),
    workingDir: json.at("WorkingDir").optionalString() ?? "",
    labels: json.at("Labels").stringMap(),
    exposedPorts: json.at("ExposedPorts").keys(),
    volumes: json.at("Volumes").keys(),
    ...optionalTexts(json, { stopSignal: "StopSignal" }),
    ...(stopTimeout === undefined ? {} : { stopTimeoutMs: stopTimeout * 1000 }),
    ...(healthcheck.isPresent ? { healthcheck: decodeHealthcheck(healthcheck) } : {}),
    shell: json.at("Shell").strings(maxItems),
    onBuild: json.at("OnBuild").strings(maxItems),
    argsEscaped: json.at("ArgsEscaped").boolean(),
  };
}

function decodeHealthcheck(json: JsonReader): ImageHealthcheck {
  const retries = json.at("Retries").optionalNumber();
  return {
    test: json.at("Test").strings(maxItems),
    ...ms("intervalMs", json.at("Interval")),
    ...ms("timeoutMs", json.at("Timeout")),
    ...ms("startPeriodMs", json.at("StartPeriod")),
    ...ms("startIntervalMs", json.at("StartInterval")),
    ...(retries === undefined ? {} : { retries }),
  };
}

function encodeHealthcheck(check: ImageHealthcheck): Record<string, unknown> {
  const ns = (ms: number | undefined) => (ms === undefined ? undefined : Math.round(ms * 1e6));
  return {
    Test: check.test,
    Interval: ns(check.intervalMs),
    Timeout: ns(check.timeoutMs),
    StartPeriod: ns(check.startPeriodMs),
    StartInterval: ns(check.startIntervalMs),
    Retries: check.retries,
  };
}

function texts(members: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(members).filter((member): member is [string, string] => !!member[1]));
}

function lists(members: Readonly<Record<string, readonly string[]>>): Record<string, readonly string[]> {
  return Object.fromEntries(Object.entries(members).filter(([, list]) => list.length > 0));
}

/** Go's set of strings. */
function keySet(name: string, keys: readonly string[]): Record<string, unknown> {
  return keys.length === 0 ? {} : { [name]: Object.fromEntries(keys.map((key) => [key, {}])) };
}

/** Docker writes times as nanoseconds. */
function ms<K extends string>(key: K, json: JsonReader): { [P in K]?: number } {
  const ns = json.optionalNumber();
  return (ns === undefined ? {} : { [key]: ns / 1e6 }) as { [P in K]?: number };
}

function decodeHistory(json: JsonReader): HistoryEntry {
  return {
    ...optionalTexts(json, { created: "created", author: "author", comment: "comment" }),
    createdBy: json.at("created_by").optionalString() ?? "",
    emptyLayer: json.at("empty_layer").boolean(),
  };
}

function decodeDiffId(json: JsonReader): DiffId {
  const text = json.string();
  return isDigest(text) ? (text as string as DiffId) : json.fail("is not a digest");
}

/** Very old images have a command as one string. */
function stringOrList(json: JsonReader): string[] {
  try {
    return json.strings(maxItems);
  } catch {
    return [json.string()];
  }
}

/** Members that are texts and not empty, under our names. */
function optionalTexts<K extends string>(json: JsonReader, names: Record<K, string>): { [P in K]?: string } {
  const found: [string, string][] = [];
  for (const [ours, theirs] of Object.entries<string>(names)) {
    const text = json.at(theirs).optionalString();
    if (text) found.push([ours, text]);
  }
  return Object.fromEntries(found) as { [P in K]?: string };
}
