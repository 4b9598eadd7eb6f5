import { isAbsolute } from "node:path";
import { JsonReader } from "#base/json-reader.ts";
import {
  hookNames,
  type DeviceEdits,
  type DeviceHook,
  type DeviceMount,
  type DeviceNode,
  type IntelRdt,
} from "#core/devices/device-edits.ts";
import { checkVersion, type Needs } from "./spec-version.ts";

/** One file: devices of one kind, and what all of them ask for. */
export type CdiSpec = {
  /** `vendor.com/class`. */
  readonly kind: string;
  readonly devices: ReadonlyMap<string, DeviceEdits>;
  readonly common: DeviceEdits;
};

const maxItems = 10_000;

/**
 * Decodes a file's value. Pure.
 *
 * @throws invalidArgument naming the member that is wrong, not known, or newer than the version that the file names
 */
export function decodeSpec(value: unknown, what: string): CdiSpec {
  const spec = new JsonReader(value, what);
  refuseOthers(spec, ["cdiVersion", "kind", "annotations", "devices", "containerEdits"]);
  const needs: Needs[] = [];
  const kind = decodeKind(spec.at("kind"), needs);
  if (spec.at("annotations").isPresent) needs.push("annotations");
  const devices = new Map<string, DeviceEdits>();
  for (const device of spec.at("devices").list(maxItems)) {
    refuseOthers(device, ["name", "annotations", "containerEdits"]);
    if (device.at("annotations").isPresent) needs.push("annotations");
    const name = device.at("name").string();
    if (!/^[A-Za-z0-9](?:[\w.:-]*[A-Za-z0-9])?$/.test(name)) device.at("name").fail("is no name of a device");
    if (/^\d/.test(name)) needs.push("name that begins with a digit");
    if (devices.has(name)) device.at("name").fail("is there twice");
    devices.set(name, decodeEdits(device.at("containerEdits"), needs));
  }
  if (devices.size === 0) spec.at("devices").fail("is empty");
  const common = decodeEdits(spec.at("containerEdits"), needs);
  checkVersion(spec.at("cdiVersion"), needs);
  return { kind, devices, common };
}

function decodeKind(reader: JsonReader, needs: Needs[]): string {
  const kind = reader.string();
  const [, vendorClass] = /^[A-Za-z](?:[\w.-]*[A-Za-z0-9])?\/([A-Za-z](?:[\w.-]*[A-Za-z0-9])?)$/.exec(kind) ?? [];
  if (vendorClass === undefined) reader.fail("is no vendor/class");
  if (vendorClass.includes(".")) needs.push("class with a dot");
  return kind;
}

function decodeEdits(edits: JsonReader, needs: Needs[]): DeviceEdits {
  refuseOthers(edits, ["env", "deviceNodes", "mounts", "hooks", "additionalGids", "intelRdt"]);
  const intelRdt = edits.at("intelRdt");
  if (intelRdt.isPresent) needs.push("intelRdt");
  const gids = edits.at("additionalGids");
  if (gids.isPresent) needs.push("additionalGids");
  return {
    env: edits.at("env").list(maxItems).map(decodeEnv),
    deviceNodes: edits
      .at("deviceNodes")
      .list(maxItems)
      .map((node) => decodeNode(node, needs)),
    mounts: edits
      .at("mounts")
      .list(maxItems)
      .map((mount) => decodeMount(mount, needs)),
    hooks: edits.at("hooks").list(maxItems).map(decodeHook),
    additionalGids: gids.list(maxItems).map((gid) => gid.size()),
    ...(intelRdt.isPresent && { intelRdt: decodeIntelRdt(intelRdt) }),
  };
}

function decodeEnv(reader: JsonReader): string {
  const entry = reader.string();
  return /^[^=]+=/.test(entry) ? entry : reader.fail("is not KEY=value");
}

function decodeNode(node: JsonReader, needs: Needs[]): DeviceNode {
  refuseOthers(node, ["path", "hostPath", "type", "major", "minor", "fileMode", "permissions", "uid", "gid"]);
  const hostPath = node.at("hostPath");
  if (hostPath.isPresent) needs.push("hostPath of a device node");
  const permissions = node.at("permissions").optionalString() ?? "";
  if (!/^[rwm]*$/.test(permissions)) node.at("permissions").fail("has others than r, w and m");
  const type = decodeNodeType(node.at("type"));
  const number = (key: "major" | "minor" | "fileMode" | "uid" | "gid") =>
    node.at(key).isPresent ? { [key]: node.at(key).size() } : {};
  return {
    path: absolute(node.at("path")),
    ...(hostPath.isPresent && { hostPath: absolute(hostPath) }),
    ...(type !== undefined && { type }),
    ...number("major"),
    ...number("minor"),
    ...number("fileMode"),
    permissions,
    ...number("uid"),
    ...number("gid"),
  };
}

function decodeNodeType(reader: JsonReader): DeviceNode["type"] {
  const type = reader.optionalString() ?? "";
  switch (type) {
    case "":
      return undefined;
    case "b":
    case "c":
    case "u":
    case "p":
      return type;
    default:
      return reader.fail("is none of b, c, u and p");
  }
}

function decodeMount(mount: JsonReader, needs: Needs[]): DeviceMount {
  refuseOthers(mount, ["hostPath", "containerPath", "options", "type"]);
  const type = mount.at("type").optionalString() ?? "";
  if (type !== "") needs.push("type of a mount");
  return {
    hostPath: mount.at("hostPath").string(),
    containerPath: absolute(mount.at("containerPath")),
    type,
    options: mount.at("options").strings(maxItems),
  };
}

function decodeHook(hook: JsonReader): DeviceHook {
  refuseOthers(hook, ["hookName", "path", "args", "env", "timeout"]);
  const asked = hook.at("hookName").string();
  const name = hookNames.find((known) => known === asked) ?? hook.at("hookName").fail("is no hook");
  const timeout = hook.at("timeout");
  return {
    name,
    path: absolute(hook.at("path")),
    args: hook.at("args").strings(maxItems),
    env: hook.at("env").list(maxItems).map(decodeEnv),
    ...(timeout.isPresent && { timeoutSeconds: timeout.size() }),
  };
}

function decodeIntelRdt(rdt: JsonReader): IntelRdt {
  refuseOthers(rdt, ["closID", "l3CacheSchema", "memBwSchema", "enableCMT", "enableMBM"]);
  const text = (key: "closID" | "l3CacheSchema" | "memBwSchema") =>
    rdt.at(key).isPresent ? { [key]: rdt.at(key).string() } : {};
  const flag = (key: "enableCMT" | "enableMBM") => (rdt.at(key).boolean() ? { [key]: true } : {});
  return {
    ...text("closID"),
    ...text("l3CacheSchema"),
    ...text("memBwSchema"),
    ...flag("enableCMT"),
    ...flag("enableMBM"),
  };
}

function absolute(reader: JsonReader): string {
  const path = reader.string();
  return isAbsolute(path) ? path : reader.fail("is not absolute");
}

function refuseOthers(reader: JsonReader, known: readonly string[]): void {
  for (const key of reader.keys()) if (!known.includes(key)) reader.at(key).fail("is not known");
}
