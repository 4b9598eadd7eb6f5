import type { TomlValue } from "smol-toml";
import type { KeyPath } from "./leaf.ts";
import { isTomlTable } from "../toml/toml-tree.ts";

/**
 * Ferry's own directories, and values of containerd's keys that ask for nothing which Ferry does not do anyway, as JSON,
 * by their path below the CRI plugins. Source: containerd `internal/cri/config/config_unix.go`, `pkg/cri/config` at 1.6.
 */
export const ferryDefaults = {
  root: "/var/lib/ferry",
  state: "/run/ferry",
  usual: {
    "cni.max_conf_num": "1",
    "cni.ip_pref": '"ipv4"',
    "image_decryption.key_model": '"node"',
    cdi_spec_dirs: '["/etc/cdi","/var/run/cdi"]',
    disable_hugetlb_controller: "true",
    disable_snapshot_annotations: "true",
    disable_tcp_service: "true",
    drain_exec_sync_io_timeout: '"0s"',
    enable_cdi: "true",
    enable_criu: "true",
    image_pull_progress_timeout: '"5m0s"',
    max_container_log_line_size: "16384",
    selinux_category_range: "1024",
    stats_collect_period: "10",
    stats_retention_period: '"2m"',
    stream_idle_timeout: '"4h0m0s"',
    tolerate_missing_hugetlb_controller: "true",
  } satisfies Record<string, string> as Readonly<Record<string, string>>,
} as const;

/** Go's zero value: as good as not given. */
export function isUnset(value: TomlValue): boolean {
  if (value === "" || value === 0 || value === false) return true;
  if (Array.isArray(value)) return value.length === 0;
  return isTomlTable(value) && Object.keys(value).length === 0;
}

/** Whether a value, by its path below a CRI plugin, asks for nothing that Ferry does not do anyway. */
export function isUsual(path: KeyPath, value: TomlValue): boolean {
  const key = path.filter((part) => part !== "").join(".");
  return isUnset(value) || ferryDefaults.usual[key] === JSON.stringify(value);
}
