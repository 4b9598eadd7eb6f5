import { parseDurationNs } from "#base/go-duration.ts";
import { lookUp } from "#base/look-up.ts";
import type { TomlTable, TomlValue } from "smol-toml";
import { basename, dirname, join } from "node:path/posix";
import type { LedgerEntry } from "../ledger/ledger.ts";
import { formatToml, getIn, isTomlTable, setIn } from "../toml/toml-tree.ts";
import { ferryDefaults, isUnset, isUsual } from "./ferry-defaults.ts";
import { change, lose, moveTo, treeOf, unneeded, type KeyPath, type Leaf, type Move } from "./leaf.ts";
import { advance, startJourney } from "./migrate-config.ts";
import { keyProblem } from "./known-keys.ts";
import { moveDownloads, moveImages } from "./ferry-images.ts";
import { moveHandler } from "./ferry-handlers.ts";
import type { ContainerdConfig } from "./parse-config.ts";
import { cri, criImages, criRuntime } from "./steps/v2-to-v3.ts";

export type FerryConfig = { readonly text: string; readonly ledger: readonly LedgerEntry[] };

/**
 * containerd's configuration as Ferry's, which names things alike. Works on version 3, to which earlier ones are brought;
 * version 4 differs from it only in what the server listens on.
 *
 * `file` is the name of the new file in the ledger.
 *
 * @throws failedPrecondition for a version that is not known
 */
export function toFerryConfig(config: ContainerdConfig, file = "/etc/ferry/config.toml"): FerryConfig {
  const journey = startJourney(config);
  if (config.version < 4) advance(journey, config.version, { to: 3 });
  else advance(journey, config.version, { to: 4 });
  journey.take(moveToFerry);
  const tree = treeOf(journey.leaves);
  completeHandlers(tree);
  return {
    text: formatToml(tree, [`From ${config.path}, containerd's configuration of version ${config.version}.`]),
    ledger: journey.ledger(file),
  };
}

function moveToFerry(leaf: Leaf): Move {
  const { path, value } = leaf;
  const [first = "", plugin = "", ...rest] = path;
  if (isTomlTable(value)) return unneeded("empty");
  if (keyProblem(3, path, value) === "type")
    return lose("containerd refuses a value of this type", "ferry migrate doctor");
  if (first === "version") return moveTo(path, 1);
  if (first !== "plugins") return moveDaemon(path, value);
  if (plugin === criRuntime) return moveRuntime(rest, value);
  if (plugin === criImages) return moveImages(rest, value);
  if (plugin === cri) return moveServer(rest, value);
  if (plugin === "io.containerd.transfer.v1.local" && rest[0] === "max_concurrent_downloads")
    return moveDownloads(value);
  return moveOtherPlugin(plugin, rest, value);
}

function moveDaemon(path: KeyPath, value: TomlValue): Move {
  const [key = "", second = ""] = path;
  if (key === "root" || key === "state") return moveDirectory(key, value);
  if (key === "debug" && second === "level") return moveLevel(value);
  if (key === "disabled_plugins") return moveDisabled(value);
  if (key === "imports") return unneeded("what they say is in here already");
  if (isUnset(value)) return unneeded("empty");
  if (key === "oom_score")
    return lose(
      "ferry does not set it itself",
      `OOMScoreAdjust=${JSON.stringify(value)} in a drop-in of ferryd.service`,
    );
  if (key === "proxy_plugins") return lose("ferry has no proxy plugins", "take overlayfs, or stay with containerd");
  if (key === "metrics") return lose("ferry serves no metrics of its own", "take the kubelet's /metrics/cadvisor");
  if (key === "grpc" && second === "tcp_address")
    return lose("ferry serves no CRI on the network", "reach it through the node");
  return unneeded("of containerd's own services");
}

/** Two runtimes never share a directory. */
function moveDirectory(key: "root" | "state", value: TomlValue): Move {
  if (typeof value !== "string" || isUnset(value)) return unneeded("empty");
  const usual = { root: "/var/lib/containerd", state: "/run/containerd" }[key];
  if (value.replace(/\/$/, "") === usual)
    return unneeded(`containerd's default; ferry has its own, ${ferryDefaults[key]}`);
  const name = basename(value);
  const own = /containerd/.test(name)
    ? join(dirname(value), name.replace("containerd", "ferry"))
    : join(value, "ferry");
  return change(["daemon", key], own, "beside it on the same disk: two runtimes never share a directory");
}

const levels: Readonly<Record<string, string>> = { trace: "debug", fatal: "error", panic: "error", warning: "warn" };
const ferryLevels = new Set(["debug", "info", "warn", "error"]);

function moveLevel(value: TomlValue): Move {
  if (typeof value !== "string" || value === "") return unneeded("empty");
  const level = value.toLowerCase();
  if (ferryLevels.has(level)) return moveTo(["daemon", "log_level"], level);
  const nearest = lookUp(levels, level);
  if (nearest === undefined)
    return lose("no level of containerd's either", "say one in daemon.log_level; info is default");
  return change(["daemon", "log_level"], nearest, "the nearest level");
}

function moveDisabled(value: TomlValue): Move {
  const names = Array.isArray(value) ? value : [];
  const isCriOff = names.some((name) => typeof name === "string" && /(^|\.)cri(\.v1\.\w+)?$/.test(name));
  if (names.length === 0) return unneeded("empty");
  if (!isCriOff) return unneeded("of containerd's own plugins");
  return change(
    ["cri", "enable"],
    false,
    "the CRI is off, as Docker's package of containerd has it",
    "set it to true for a kubelet",
  );
}

function moveServer([key = "", second = ""]: KeyPath, value: TomlValue): Move {
  if (key === "stream_server_address") return moveTo(["cri", key], value);
  if (key === "stream_server_port") {
    const port = Number(value);
    return Number.isSafeInteger(port)
      ? moveTo(["cri", key], port)
      : lose("not a port", "choose one: cri.stream_server_port");
  }
  if (isUsual([key, second], value)) return unneeded("as by default");
  if (key === "stream_idle_timeout" && !isDuration(value)) return lose("not a duration", `choose one: cri.${key}`);
  if (key === "stream_idle_timeout" || key === "enable_tls_streaming") return moveTo(["cri", key], value);
  if (key === "x509_key_pair_streaming") return moveTo(["cri", key, second], value);
  return lose("ferry has no such setting", "see ferryd config default");
}

function isDuration(value: TomlValue): boolean {
  try {
    return typeof value === "string" && parseDurationNs(value) >= 0;
  } catch {
    return false;
  }
}

function moveRuntime(path: KeyPath, value: TomlValue): Move {
  const [key = "", second = "", ...rest] = path;
  if (key === "containerd" && second === "runtimes") return moveHandler(rest, value);
  if (key === "containerd" && second === "default_runtime_name") return moveTo(["runtime", "default"], value);
  if (key === "cni") return moveCni(second, value);
  if (key === "enable_unprivileged_ports" || key === "enable_unprivileged_icmp") return moveTo(["cri", key], value);
  if (sameKeys.has(key) && path.length === 1) return moveTo(["cri", key], value);
  if (key === "max_container_log_line_size" && value !== 16_384) return moveLineSize(value);
  if (isUsual(path, value)) return unneeded("as by default");
  if (key === "unset_seccomp_profile")
    return lose("pods without a profile are unconfined, as Kubernetes has it", "set seccompDefault of the kubelet");
  return lose("ferry has no such setting", "see ferryd config default for what there is");
}

const sameKeys = new Set(["cdi_spec_dirs", "enable_cdi", "restrict_oom_score_adj"]);

/** Conmon's pieces are of 8192 bytes, whatever is asked for. */
function moveLineSize(value: TomlValue): Move {
  const key = ["cri", "max_container_log_line_size"];
  if (typeof value === "number" && value >= 8192) return moveTo(key, value, "under conmon pieces are of 8192 bytes");
  return change(key, 8192, "the size of conmon's pieces");
}

function moveCni(key: string, value: TomlValue): Move {
  if (key === "conf_dir") return moveTo(["cri", "cni_conf_dir"], value);
  if (key === "bin_dirs") return moveTo(["network", "plugin_directories"], value);
  if (key === "bin_dir") return moveTo(["network", "plugin_directories"], [value]);
  // 0 is all files.
  const isAll = key === "max_conf_num" && value === 0;
  if (!isAll && isUsual(["cni", key], value)) return unneeded("as by default");
  if (key === "ip_pref") return moveTo(["cri", "cni_ip_pref"], value);
  if (key === "conf_template")
    return lose("ferry writes no CNI configuration", "let the cluster's CNI daemon write it");
  return lose("the first file by name is the pods' network", "see cri.cni_conf_dir");
}

function moveOtherPlugin(plugin: string, [key = ""]: KeyPath, value: TomlValue): Move {
  if (plugin === "io.containerd.nri.v1.nri" && key === "disable" && value === false) {
    return lose("ferry has no NRI", "keep nodes that need it on containerd");
  }
  if (isUnset(value)) return unneeded("empty");
  if (/^io\.containerd\.snapshotter\.v1\.(devmapper|zfs|btrfs)$/.test(plugin)) {
    return lose("ferry has overlayfs and native copies only", "see whether overlayfs does for this node");
  }
  return unneeded("of containerd's own plugin");
}

/**
 * A handler of our own monitor runs the binary of its own name where none is given; containerd's runs runc. The cgroup
 * driver of all is the default one's too.
 */
function completeHandlers(tree: TomlTable): void {
  const handlers = getIn(tree, ["runtimes"]);
  if (!isTomlTable(handlers)) return;
  const drivers = new Set<TomlValue>();
  for (const [name, handler] of Object.entries(handlers)) {
    if (!isTomlTable(handler)) continue;
    // containerd has its default in place of none, which runs runc.
    handler["runtime_type"] ??= "conmon";
    if (handler["runtime_type"] !== "conmon") continue;
    const binary = getIn(handler, ["options", "BinaryName"]);
    if (binary === undefined && name !== "runc") setIn(handler, ["options", "BinaryName"], "runc");
    drivers.add(getIn(handler, ["options", "SystemdCgroup"]) ?? false);
  }
  if (drivers.size === 1) setIn(tree, ["runtime", "cgroup_driver"], drivers.has(true) ? "systemd" : "cgroupfs");
}
