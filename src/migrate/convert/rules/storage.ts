import { lookUp } from "#base/look-up.ts";
import { basename, dirname, join } from "node:path/posix";
import type { Fact } from "../../host/source.ts";
import { plainPath } from "../../host/plain-path.ts";
import type { Draft } from "../draft.ts";
import type { Rules } from "./rule.ts";

/** Where things lie on disk. */
export const storageRules: Rules<"data-root" | "graph" | "exec-root" | "storage-driver" | "storage-opts"> = {
  "data-root": convertRoot,
  graph: (fact, draft, key) => {
    if (draft.settings["data-root"] === undefined) convertRoot(fact, draft, key);
    else draft.record("unneeded", key, fact, { note: "data-root takes its place" });
  },
  "exec-root": (fact, draft, key) =>
    draft.record("unneeded", key, fact, { note: `${draft.spec.label} keeps its state below /run by itself` }),
  "storage-driver": convertDriver,
  "storage-opts": (fact, draft) => {
    for (const option of fact.value) convertOption(option, fact, draft);
  },
};

function convertRoot(fact: Fact<string>, draft: Draft, key: string): void {
  const from = plainPath(fact.value);
  if (from === "/var/lib/docker") {
    draft.record("unneeded", key, fact, { note: `Docker's default; ${draft.spec.label}'s own default stays` });
    return;
  }
  const root = besides(from, draft.spec.target);
  draft.record("changed", key, fact, {
    to: [draft.put("root", root)],
    note: `${root}: on the same disk, never in Docker's own directory; imagefs and its eviction thresholds move along`,
  });
}

/** `/data/docker` → `/data/containerd`; below where there is no such name to replace, as with a mount point. */
function besides(root: string, target: string): string {
  const name = basename(root);
  return /docker/i.test(name) ? join(dirname(root), name.replace(/docker/i, target)) : join(root, target);
}

const containerdSnapshotters: Readonly<Record<string, { name: string; note: string }>> = {
  overlay2: { name: "overlayfs", note: "the same kernel driver" },
  overlay: { name: "overlayfs", note: "the same kernel driver, in its present form" },
  aufs: { name: "overlayfs", note: "aufs is gone from kernels and from containerd 2.0" },
  devicemapper: { name: "overlayfs", note: "containerd's devmapper needs a thin pool of its own" },
  btrfs: { name: "btrfs", note: "its root must be on btrfs, as Docker's is" },
  zfs: { name: "zfs", note: "needs a dataset of its own, mounted where the snapshotter looks" },
  vfs: { name: "native", note: "plain copies, as vfs makes them" },
};

function convertDriver(fact: Fact<string>, draft: Draft, key: string): void {
  const found = lookUp(containerdSnapshotters, fact.value);
  const name = draft.spec.target === "ferry" && found?.name !== "native" ? "overlayfs" : found?.name;
  if (found === undefined || name === undefined) {
    draft.record("lost", key, fact, {
      to: [draft.put("snapshotter", "overlayfs")],
      note: `no snapshotter of that name comes with ${draft.spec.label}; overlayfs is set`,
      action: "where overlayfs cannot be used, install a proxy snapshotter and name it there",
    });
    return;
  }
  const isSame = /^(overlay|overlay2|vfs)$/.test(fact.value) || name === fact.value;
  draft.record(isSame ? "kept" : "changed", key, fact, {
    to: [draft.put("snapshotter", name)],
    note: name === found.name ? found.note : `${draft.spec.label} has overlayfs and native copies only`,
  });
}

function convertOption(option: string, fact: Fact<unknown>, draft: Draft): void {
  const [name = "", value = ""] = option.split("=", 2);
  const line = { value, source: fact.source };
  const key = `storage-opts.${name}`;
  if (name.endsWith(".size") || name === "size" || name === "dm.basesize") {
    draft.record("lost", key, line, {
      note: "there is no size limit of a container's writable layer",
      action: "set resources.limits.ephemeral-storage in the pods",
    });
  } else draft.record("unneeded", key, line, { note: "of Docker's storage driver" });
}
