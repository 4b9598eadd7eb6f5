import { lookUp } from "#base/look-up.ts";
import type { TomlValue } from "smol-toml";
import { isUnset } from "./ferry-defaults.ts";
import { change, lose, moveTo, unneeded, type KeyPath, type Move } from "./leaf.ts";

/** One key below `runtimes.<name>` as Ferry has it. */
export function moveHandler([name = "", key = "", option = ""]: KeyPath, value: TomlValue): Move {
  const at = (...path: string[]) => ["runtimes", name, ...path];
  if (key === "runtime_type") {
    return value === "io.containerd.runc.v2"
      ? change(at(key), "conmon", "ferry's own monitor over the same binary; the shim does too, where it is installed")
      : moveTo(at(key), value);
  }
  if (key === "options") return moveOption(at, option, value);
  if (isUnset(value) || (key === "sandboxer" && value === "podsandbox") || (key === "io_type" && value === "fifo")) {
    return unneeded("as by default");
  }
  if (key === "runtime_path") return moveTo(at(key), value);
  return lose("ferry has no such setting of a handler", lookUp(advice, key) ?? "see whether its pods do without");
}

const advice: Readonly<Record<string, string>> = {
  base_runtime_spec: "set limits in a drop-in of ferryd.service, the rest in the pods",
  cni_conf_dir: "one network for all handlers: cri.cni_conf_dir",
  snapshotter: "one snapshotter for all handlers: snapshots.default",
};

function moveOption(at: (...path: string[]) => string[], option: string, value: TomlValue): Move {
  const isKnown = option === "BinaryName" || option === "Root" || option === "SystemdCgroup";
  if (option === "SystemdCgroup" || (isKnown && value !== "")) return moveTo(at("options", option), value);
  if (isUnset(value)) return unneeded("empty");
  return lose("ferry has no such option", "see whether its pods do without");
}
