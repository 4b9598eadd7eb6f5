import { lookUp } from "#base/look-up.ts";
import type { TomlValue } from "smol-toml";
import { below, change, findLeaf, lose, moveTo, stay, unneeded, type KeyPath, type Leaf, type Move } from "../leaf.ts";
import type { Step } from "../move-leaves.ts";

export const cri = "io.containerd.grpc.v1.cri";
export const criImages = "io.containerd.cri.v1.images";
export const criRuntime = "io.containerd.cri.v1.runtime";

/** Source: `migrateConfig` in containerd `plugins/cri/images/plugin.go`. */
const imageKeys = new Set([
  "image_decryption",
  "image_pull_progress_timeout",
  "image_pull_with_sync_fs",
  "max_concurrent_downloads",
  "registry",
  "stats_collect_period",
]);
const imageContainerdKeys = new Set(["snapshotter", "disable_snapshot_annotations", "discard_unpacked_layers"]);
/** Keys of the server that stay where they are. Source: `configMigration` in containerd `plugins/cri/cri.go`. */
const serverKeys = new Set([
  "disable_tcp_service",
  "stream_server_address",
  "stream_server_port",
  "stream_idle_timeout",
  "enable_tls_streaming",
  "x509_key_pair_streaming",
]);
const oldTypes = new Set(["io.containerd.runtime.v1.linux", "io.containerd.runc.v1"]);
const shim = "io.containerd.runc.v2";
const gone = "removed in containerd 2.0";

/**
 * The CRI plugin becomes three. `hasBinDirs` is true from containerd 2.1 on.
 *
 * Unlike containerd's own migration, what only 2.0 took away is carried over where it can be: old runtime types, engines,
 * `systemd_cgroup`, and a snapshotter of one runtime, which containerd looks for under a name it never had.
 */
export function v2ToV3(hasBinDirs: boolean): Step {
  return (leaf, all) => {
    const inCri = below(leaf.path, "plugins", cri);
    return inCri === undefined ? movePlugin(leaf) : moveCri(leaf, inCri, { all, hasBinDirs });
  };
}

function movePlugin({ path, value }: Leaf): Move {
  const [first = "", plugin = "", ...rest] = path;
  if (first === "plugin_dir")
    return value === "" ? unneeded("empty") : lose(gone, "build the plugin in, or run it as a proxy plugin");
  if ((first === "disabled_plugins" || first === "required_plugins") && Array.isArray(value)) {
    const names = value.map((name) => (typeof name === "string" ? (lookUp(renamedPlugins, name) ?? name) : name));
    return names.every((name, at) => name === value[at]) ? stay : moveTo(path, names, "by present names");
  }
  if (first !== "plugins") return stay;
  const renamed = lookUp(renamedPlugins, plugin);
  if (renamed !== undefined) return moveTo([first, renamed, ...rest], value);
  if (removedPlugins.has(plugin)) return unneeded(`of a plugin that was ${gone}`);
  if (plugin === "io.containerd.runtime.v2.task" && rest[0] === "sched_core") {
    return value === true
      ? change([first, "io.containerd.shim.v1.manager", "env"], ["SCHED_CORE=1"], "as environment of the shims")
      : unneeded("false, as by default");
  }
  return stay;
}

const removedPlugins = new Set(["io.containerd.runtime.v1.linux", "io.containerd.snapshotter.v1.aufs"]);

const renamedPlugins: Readonly<Record<string, string>> = {
  "io.containerd.internal.v1.restart": "io.containerd.monitor.container.v1.restart",
  "io.containerd.monitor.v1.cgroups": "io.containerd.monitor.task.v1.cgroups",
};

type Among = { readonly all: readonly Leaf[]; readonly hasBinDirs: boolean };

function moveCri({ value }: Leaf, path: KeyPath, { all, hasBinDirs }: Among): Move {
  const [key = "", second = "", ...rest] = path;
  if (key === "sandbox_image") return moveTo(images("pinned_images", "sandbox"), value);
  if (serverKeys.has(key)) return stay;
  if (key === "registry" && second === "configs" && rest[1] === "tls") {
    return lose(
      "no longer read: TLS of a registry is its hosts.toml's",
      `write skip_verify, ca or client for ${rest[0]} there`,
    );
  }
  if (imageKeys.has(key)) return moveTo(images(...path), value);
  if (key === "cni" && second === "bin_dir" && hasBinDirs) {
    const isListed = findLeaf(all, "plugins", cri, "cni", "bin_dirs") !== undefined;
    return isListed ? unneeded("bin_dirs counts") : moveTo(runtime("cni", "bin_dirs"), [value]);
  }
  if (key === "containerd" && second === "snapshotter" && value === "aufs") {
    return change(images(second), "overlayfs", `aufs was ${gone}`);
  }
  if (key === "containerd" && imageContainerdKeys.has(second)) return moveTo(images(second), value);
  if (key === "containerd" && second === "runtimes") return moveHandler(rest, value);
  if (key === "containerd") return moveContainerd(second, rest, value);
  if (key === "systemd_cgroup") return moveSystemdCgroup(value, all);
  if (key === "disable_cgroup")
    return value === true ? lose(gone, "give containerd access to cgroups") : unneeded("false, as by default");
  return moveTo(runtime(...path), value);
}

/** Below `containerd`, runtimes excepted. The two old tables of a runtime each become one with a name. */
function moveContainerd(key: string, rest: KeyPath, value: TomlValue): Move {
  if (key === "no_pivot")
    return value === true
      ? lose(gone, "set NoPivotRoot in the options of the runtime")
      : unneeded("false, as by default");
  const name = { default_runtime: "default", untrusted_workload_runtime: "untrusted" }[key];
  if (name === undefined) return moveTo(runtime("containerd", key, ...rest), value);
  if (isEmpty(value)) return unneeded("empty");
  const moved = moveHandler([name, ...rest], value);
  if (moved.t !== "to") return moved;
  const leaves = [...moved.leaves];
  if (key === "default_runtime" && rest[0] === "runtime_type") {
    leaves.push({ path: runtime("containerd", "default_runtime_name"), value: name });
  }
  return { ...moved, outcome: "changed", leaves, note: `as runtimes.${name}` };
}

function moveHandler([name = "", key = "", ...rest]: KeyPath, value: TomlValue): Move {
  const at = (...path: string[]) => runtime("containerd", "runtimes", name, ...path);
  if (key === "runtime_type" && typeof value === "string" && oldTypes.has(value)) {
    return change(at(key), shim, `${value} was ${gone}`);
  }
  if (key === "runtime_engine" || key === "runtime_root") {
    const option = key === "runtime_engine" ? "BinaryName" : "Root";
    return value === "" ? unneeded("empty") : change(at("options", option), value, `as an option: ${key} was ${gone}`);
  }
  if (key === "sandbox_mode") return moveTo(at("sandboxer"), value);
  if (key === "options" && rest[0] === "CriuPath") {
    return value === "" ? unneeded("empty") : lose(gone, "put criu into PATH");
  }
  if (key === "snapshotter" && value !== "") {
    const leaves = [
      { path: at(key), value },
      { path: images("runtime_platforms", name, "snapshotter"), value },
    ];
    const note = "pulls need to know it too, which containerd's own migration leaves out";
    return { t: "to", outcome: "changed", leaves, note };
  }
  return moveTo(at(key, ...rest), value);
}

/** It was for all runtimes of the type that is gone. */
function moveSystemdCgroup(value: TomlValue, all: readonly Leaf[]): Move {
  if (value !== true) return unneeded("false, as by default");
  const names = all.flatMap(({ path }) => {
    const [name, key] = below(path, "plugins", cri, "containerd", "runtimes") ?? [];
    return key === "runtime_type" && name !== undefined ? [name] : [];
  });
  const leaves = (names.length > 0 ? names : ["runc"]).map((name) => ({
    path: runtime("containerd", "runtimes", name, "options", "SystemdCgroup"),
    value: true,
  }));
  return { t: "to", outcome: "changed", leaves, note: `as an option of each runtime: ${gone}` };
}

function images(...path: string[]): KeyPath {
  return ["plugins", criImages, ...path];
}

function runtime(...path: string[]): KeyPath {
  return ["plugins", criRuntime, ...path];
}

function isEmpty(value: TomlValue): boolean {
  return value === "" || value === false || value === 0 || (Array.isArray(value) && value.length === 0);
}
