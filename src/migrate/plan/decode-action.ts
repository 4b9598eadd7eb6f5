import type { PackageManager } from "../host/read-os.ts";
import type { JsonReader } from "#base/json-reader.ts";
import {
  targets,
  type CniDirectories,
  type DrainOptions,
  type FileChange,
  type Requirement,
  type Residue,
  type StepAction,
  type StepKind,
  type Target,
  type UnitState,
} from "./step.ts";

const maxItems = 10_000;

type Decoders = { readonly [K in StepKind]: (json: JsonReader) => Extract<StepAction, { kind: K }> };

const decoders: Decoders = {
  preflight: (json) => ({ kind: "preflight", require: json.at("require").list(maxItems).map(decodeRequirement) }),
  snapshot: (json) => ({
    kind: "snapshot",
    paths: json.at("paths").list(maxItems).map(decodePath),
    units: json.at("units").strings(maxItems),
  }),
  "carry-images": (json) => ({
    kind: "carry-images",
    dataRoot: decodePath(json.at("dataRoot")),
    driver: json.at("driver").string(),
    to: decodeTarget(json.at("to")),
  }),
  "share-images": (json) => ({
    kind: "share-images",
    endpoint: json.at("endpoint").string(),
    from: json.at("from").string(),
  }),
  "install-packages": (json) => ({
    kind: "install-packages",
    manager: decodeManager(json.at("manager")),
    packages: json.at("packages").strings(maxItems),
  }),
  "write-files": (json) => ({ kind: "write-files", files: json.at("files").list(maxItems).map(decodeFile) }),
  "load-modules": (json) => ({ kind: "load-modules", modules: json.at("modules").strings(maxItems) }),
  "set-sysctls": (json) => ({ kind: "set-sysctls", values: json.at("values").stringMap() }),
  cordon: (json) => ({ kind: "cordon", node: json.at("node").string() }),
  drain: (json) => ({ kind: "drain", node: json.at("node").string(), drain: decodeDrain(json.at("drain")) }),
  "set-units": (json) => ({ kind: "set-units", units: json.at("units").list(maxItems).map(decodeUnit) }),
  "remove-pods": (json) => {
    const through = oneOf(json.at("through"), ["docker", "cri"]);
    const base = { kind: "remove-pods", endpoint: json.at("endpoint").string() } as const;
    return through === "cri" ? { ...base, through } : { ...base, through, cni: decodeCniDirectories(json.at("cni")) };
  },
  "wait-for-runtime": (json) => ({
    kind: "wait-for-runtime",
    endpoint: json.at("endpoint").string(),
    timeoutMs: json.at("timeoutMs").size(),
  }),
  "annotate-node": (json) => ({
    kind: "annotate-node",
    node: json.at("node").string(),
    key: json.at("key").string(),
    value: json.at("value").optionalString() ?? null,
  }),
  "wait-for-node": (json) => ({
    kind: "wait-for-node",
    node: json.at("node").string(),
    runtimePrefix: json.at("runtimePrefix").string(),
    timeoutMs: json.at("timeoutMs").size(),
  }),
  "smoke-pod": (json) => ({
    kind: "smoke-pod",
    node: json.at("node").string(),
    image: json.at("image").string(),
    timeoutMs: json.at("timeoutMs").size(),
  }),
  uncordon: (json) => ({ kind: "uncordon", node: json.at("node").string() }),
  "sweep-residue": (json) => ({ kind: "sweep-residue", items: json.at("items").list(maxItems).map(decodeResidue) }),
  purge: (json) => ({
    kind: "purge",
    manager: decodeManager(json.at("manager")),
    packages: json.at("packages").strings(maxItems),
    paths: json.at("paths").list(maxItems).map(decodePath),
  }),
};

/** What a step does, each value of it checked. @throws invalidArgument */
export function decodeAction(json: JsonReader): StepAction {
  return decoders[oneOf(json.at("kind"), kinds)](json);
}

export function decodeTarget(json: JsonReader): Target {
  return oneOf(json, targets);
}

const kinds = [
  "preflight",
  "snapshot",
  "carry-images",
  "share-images",
  "install-packages",
  "write-files",
  "load-modules",
  "set-sysctls",
  "cordon",
  "drain",
  "set-units",
  "remove-pods",
  "wait-for-runtime",
  "annotate-node",
  "wait-for-node",
  "smoke-pod",
  "uncordon",
  "sweep-residue",
  "purge",
] as const satisfies readonly StepKind[];

function decodeRequirement(json: JsonReader): Requirement {
  switch (oneOf(json.at("t"), ["root", "command", "free-space", "api", "unchanged"])) {
    case "root":
      return { t: "root" };
    case "command":
      return { t: "command", name: json.at("name").string() };
    case "free-space":
      return {
        t: "free-space",
        path: decodePath(json.at("path")),
        bytes: json.at("bytes").size(),
        inodes: json.at("inodes").size(),
      };
    case "api":
      return { t: "api", node: json.at("node").string() };
    case "unchanged":
      return { t: "unchanged", path: decodePath(json.at("path")), sha256: decodeSha256(json.at("sha256")) };
  }
}

function decodeFile(json: JsonReader): FileChange {
  const mode = json.at("mode");
  return {
    path: decodePath(json.at("path")),
    content: json.at("content").optionalString() ?? null,
    ...(mode.isPresent ? { mode: decodeMode(mode) } : {}),
    expectSha256: decodeSha256(json.at("expectSha256")),
    why: json.at("why").string(),
  };
}

function decodeUnit(json: JsonReader): UnitState {
  const name = json.at("name").string();
  if (!/^[A-Za-z0-9:_.@-]+\.(service|socket|target|timer|mount|path)$/.test(name)) json.at("name").fail("is no unit");
  const enabled = json.at("enabled");
  return {
    name,
    active: json.at("active").boolean(),
    ...(enabled.isPresent ? { enabled: enabled.boolean() } : {}),
    ...(json.at("restart").boolean() ? { restart: true } : {}),
  };
}

function decodeDrain(json: JsonReader): DrainOptions {
  const grace = json.at("gracePeriodSeconds");
  return {
    gracePeriodSeconds: grace.isPresent ? grace.size() : null,
    timeoutMs: json.at("timeoutMs").size(),
    deleteEmptyDirData: json.at("deleteEmptyDirData").boolean(),
    force: json.at("force").boolean(),
  };
}

function decodeCniDirectories(json: JsonReader): CniDirectories {
  return {
    config: decodePath(json.at("config")),
    plugins: json.at("plugins").list(maxItems).map(decodePath),
    cache: decodePath(json.at("cache")),
  };
}

function decodeResidue(json: JsonReader): Residue {
  switch (oneOf(json.at("t"), ["link", "chain", "path"])) {
    case "link":
      return { t: "link", name: json.at("name").string() };
    case "chain":
      return { t: "chain", table: oneOf(json.at("table"), ["nat", "filter"]), name: json.at("name").string() };
    case "path":
      return { t: "path", path: decodePath(json.at("path")) };
  }
}

function decodeManager(json: JsonReader): PackageManager {
  return oneOf(json, ["apt", "dnf", "yum", "zypper", "none"]);
}

/** Absolute, without `..`: it is written to, or removed. */
function decodePath(json: JsonReader): string {
  const path = json.string();
  const isPlain = /^(\/[^/\0]+)+$/.test(path) && path.split("/").every((name) => name !== "." && name !== "..");
  return isPlain ? path : json.fail("is not a plain absolute path");
}

function decodeSha256(json: JsonReader): string | null {
  const text = json.optionalString() ?? null;
  return text === null || /^[0-9a-f]{64}$/.test(text) ? text : json.fail("is no sha256");
}

function decodeMode(json: JsonReader): number {
  const mode = json.size();
  return mode <= 0o7777 ? mode : json.fail("is no mode");
}

function oneOf<const T extends string>(json: JsonReader, known: readonly T[]): T {
  const text = json.string();
  return known.find((one) => one === text) ?? json.fail(`is not one of ${known.join(", ")}`);
}
