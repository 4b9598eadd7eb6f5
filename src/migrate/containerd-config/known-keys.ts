import { lookUp } from "#base/look-up.ts";
import type { TomlValue } from "smol-toml";
import { isTomlTable } from "../toml/toml-tree.ts";
import type { KeyPath } from "./leaf.ts";
import { cri, criImages, criRuntime } from "./steps/v2-to-v3.ts";

/** What a key takes: `s` text, `i` whole number, `b` true or false, `l` list of texts, `t` any table. */
type Kind = "s" | "i" | "b" | "l" | "t";
/** Keys of a table by kind, one string for each; `*` stands for any name. */
type Schema = { readonly [name: string]: Kind | Schema };

const auth = table({ s: "username password auth identitytoken" });
const registry = {
  ...table({ s: "config_path" }),
  mirrors: { "*": table({ l: "endpoint" }) },
  auths: { "*": auth },
  headers: "t",
} as const satisfies Schema;
const handler = {
  ...table({
    s: "runtime_type runtime_path base_runtime_spec cni_conf_dir snapshotter",
    i: "cni_max_conf_num",
    b: "privileged_without_host_devices privileged_without_host_devices_all_devices_allowed",
    l: "pod_annotations container_annotations",
  }),
  options: "t",
} as const satisfies Schema;
const server = {
  ...table({
    s: "stream_server_address stream_server_port stream_idle_timeout",
    b: "disable_tcp_service enable_tls_streaming",
  }),
  x509_key_pair_streaming: table({ s: "tls_cert_file tls_key_file" }),
} as const satisfies Schema;
const pods = table({
  s: "unset_seccomp_profile drain_exec_sync_io_timeout",
  i: "selinux_category_range max_container_log_line_size",
  b:
    "enable_selinux disable_apparmor restrict_oom_score_adj disable_proc_mount tolerate_missing_hugetlb_controller " +
    "disable_hugetlb_controller device_ownership_from_security_context ignore_image_defined_volumes " +
    "netns_mounts_under_state_dir enable_unprivileged_ports enable_unprivileged_icmp enable_cdi",
  l: "cdi_spec_dirs ignore_deprecation_warnings",
});
const cni = table({
  s: "bin_dir conf_dir conf_template ip_pref",
  i: "max_conf_num",
  b: "setup_serially",
});
const image = {
  ...table({
    s: "image_pull_progress_timeout",
    i: "max_concurrent_downloads stats_collect_period",
    b: "image_pull_with_sync_fs",
  }),
  image_decryption: table({ s: "key_model" }),
} as const satisfies Schema;
const unpacked = table({ b: "disable_snapshot_annotations discard_unpacked_layers", s: "snapshotter" });
const containerd = table({
  s: "default_runtime_name",
  b: "ignore_rdt_not_enabled_errors ignore_blockio_not_enabled_errors",
});
const oldHandler = {
  ...handler,
  ...table({ s: "runtime_engine runtime_root sandbox_mode" }),
} as const satisfies Schema;

/** Version 2: containerd 1.3 to 1.7. Source: `pkg/cri/config/config.go` at 1.7. */
const version2: Schema = {
  ...server,
  ...pods,
  ...image,
  ...table({ s: "sandbox_image", b: "systemd_cgroup disable_cgroup" }),
  cni,
  containerd: {
    ...containerd,
    ...unpacked,
    ...table({ b: "no_pivot" }),
    runtimes: { "*": oldHandler },
    default_runtime: oldHandler,
    untrusted_workload_runtime: oldHandler,
  },
  registry: {
    ...registry,
    configs: { "*": { auth, tls: table({ b: "insecure_skip_verify", s: "ca_file cert_file key_file" }) } },
  },
};

/** Versions 3 and 4: containerd 2. Source: `internal/cri/config/config.go` at 2.0 to 2.4. */
const version3: Readonly<Record<string, Schema>> = {
  [cri]: server,
  [criRuntime]: {
    ...pods,
    ...table({
      s: "stats_collect_period stats_retention_period",
      b: "enable_criu enable_experimental_restore_via_create",
    }),
    cni: { ...cni, ...table({ l: "bin_dirs", b: "use_internal_loopback" }) },
    containerd: {
      ...containerd,
      runtimes: {
        "*": { ...handler, ...table({ s: "sandboxer io_type", b: "cgroup_writable disable_pause_image_pull" }) },
      },
    },
  },
  [criImages]: {
    ...image,
    ...unpacked,
    ...table({ b: "use_local_image_pull", i: "concurrent_layer_fetch_buffer" }),
    pinned_images: { "*": "s" },
    runtime_platforms: { "*": table({ s: "platform snapshotter" }) },
    registry: { ...registry, configs: { "*": { auth } } },
  },
};

/** What is wrong with a key of the CRI plugins, as containerd sees it: not known, or of another type. */
export function keyProblem(version: number, path: KeyPath, value: TomlValue): "unknown" | "type" | undefined {
  const [first, plugin = "", ...rest] = path;
  if (first !== "plugins") return undefined;
  const schema = version >= 3 ? lookUp(version3, plugin) : plugin === cri ? version2 : undefined;
  if (schema === undefined) return undefined;
  let at: Kind | Schema | undefined = schema;
  for (const name of rest) {
    if (at === "t") return undefined;
    at = typeof at === "object" ? (Object.hasOwn(at, name) ? at[name] : at["*"]) : undefined;
  }
  if (at === undefined) return "unknown";
  return fits(at, value) ? undefined : "type";
}

function fits(kind: Kind | Schema, value: TomlValue): boolean {
  if (typeof kind === "object" || kind === "t") return isTomlTable(value);
  if (kind === "s") return typeof value === "string";
  if (kind === "b") return typeof value === "boolean";
  if (kind === "i") return typeof value === "number" && Number.isInteger(value);
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function table(names: Readonly<Partial<Record<Kind, string>>>): Readonly<Record<string, Kind>> {
  const entries = Object.entries(names).flatMap(([kind, words]) =>
    words.split(" ").map((name) => [name, kind as Kind] as const),
  );
  return Object.fromEntries(entries);
}
