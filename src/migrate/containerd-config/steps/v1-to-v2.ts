import { lookUp } from "#base/look-up.ts";
import { change, moveTo, stay, type Leaf, type Move } from "../leaf.ts";

/** Names of plugins before version 2, which knows whole URIs only. Source: containerd `v1MigratePluginName`. */
const pluginNames: Readonly<Record<string, string>> = {
  aufs: "io.containerd.snapshotter.v1.aufs",
  bolt: "io.containerd.metadata.v1.bolt",
  btrfs: "io.containerd.snapshotter.v1.btrfs",
  cgroups: "io.containerd.monitor.v1.cgroups",
  cri: "io.containerd.grpc.v1.cri",
  devmapper: "io.containerd.snapshotter.v1.devmapper",
  linux: "io.containerd.runtime.v1.linux",
  native: "io.containerd.snapshotter.v1.native",
  opt: "io.containerd.internal.v1.opt",
  otlp: "io.containerd.tracing.processor.v1.otlp",
  overlayfs: "io.containerd.snapshotter.v1.overlayfs",
  restart: "io.containerd.internal.v1.restart",
  scheduler: "io.containerd.gc.v1.scheduler",
  task: "io.containerd.runtime.v2.task",
  tracing: "io.containerd.internal.v1.tracing",
  zfs: "io.containerd.snapshotter.v1.zfs",
};

/** Plugins by their whole names. */
export function v1ToV2({ path, value }: Leaf): Move {
  const [first = "", plugin = "", ...rest] = path;
  if (first === "plugins" && path.length > 1) {
    const { name, isSure } = wholeName(plugin);
    if (name === plugin) return stay;
    const to = [first, name, ...rest];
    return isSure
      ? moveTo(to, value)
      : change(to, value, `ambiguous ${plugin} plugin in v1 config, treated as ${name}`);
  }
  if ((first === "disabled_plugins" || first === "required_plugins") && Array.isArray(value)) {
    const names = value.map((name) => (typeof name === "string" ? wholeName(name) : { name, isSure: true }));
    const whole = names.map(({ name }) => name);
    if (whole.every((name, at) => name === value[at])) return stay;
    return names.every(({ isSure }) => isSure)
      ? moveTo(path, whole, "by whole names")
      : change(path, whole, "some names were ambiguous: check them");
  }
  return stay;
}

/** The URI of a plugin, and whether there is no other it could stand for. */
export function wholeName(plugin: string): { readonly name: string; readonly isSure: boolean } {
  if (plugin.includes(".")) return { name: plugin, isSure: true };
  const known = lookUp(pluginNames, plugin);
  if (known !== undefined) return { name: known, isSure: true };
  if (plugin.endsWith("-service")) return { name: `io.containerd.service.v1.${plugin}`, isSure: true };
  const kind = plugin.startsWith("windows") ? "snapshotter" : "grpc";
  return { name: `io.containerd.${kind}.v1.${plugin}`, isSure: false };
}
