import type { Finding } from "../../assess/finding.ts";
import { containerdProblem } from "../../assess/runtime-support.ts";
import { isTomlTable, keyPathText } from "../../toml/toml-tree.ts";
import type { ConfigView } from "../config-view.ts";
import type { DoctorFacts } from "../doctor-facts.ts";
import { finding, isFirst, isSince } from "./check.ts";

/** containerd beside this kubelet, and what its line does with the file. */
export function* versionChecks(facts: DoctorFacts, view: ConfigView | undefined): Iterable<Finding> {
  yield* kubeletPair(facts);
  yield* schemaOne(facts);
  yield* replacedByImports(facts);
  if (view === undefined) return;
  yield* localPull(facts, view);
  yield* snapshotter(facts, view);
  yield* droppedSnapshotter(facts, view);
}

function* kubeletPair(facts: DoctorFacts): Iterable<Finding> {
  const { release, path, kubelet } = facts;
  if (release === undefined || kubelet.minor === undefined) return;
  const [major, minor] = release.value;
  const at = [release.source, kubelet.minor.source];
  const own = `containerd ${major}.${minor}`;
  const isOld = major === 1 && minor < 6;
  if (kubelet.minor.value >= 26 && isOld) {
    yield finding(path, {
      check: "containerd-no-cri-v1",
      severity: "blocker",
      title: `${own}: speaks no CRI v1, and kubelet 1.${kubelet.minor.value} nothing else`,
      why: "the kubelet ends: CRI v1 runtime API is not implemented for endpoint: unknown service runtime.v1.RuntimeService",
      at,
      fix: { summary: "install containerd 1.7 or later" },
    });
    return;
  }
  if (kubelet.minor.value < 23 && isSince(facts, 2, 0)) {
    yield finding(path, {
      check: "containerd-no-cri-v1alpha2",
      severity: "blocker",
      title: `${own}: speaks CRI v1 only, and kubelet 1.${kubelet.minor.value} not yet`,
      why: "the kubelet ends: unknown service runtime.v1alpha2.RuntimeService",
      at,
      fix: { summary: "install containerd 1.7, or upgrade the kubelet to 1.23 first" },
    });
    return;
  }
  const problem = containerdProblem(release.value, kubelet.minor.value);
  if (problem === undefined) return;
  yield finding(path, {
    check: "containerd-unsupported",
    severity: "medium",
    title: `containerd ${release.value.join(".")}: not supported with Kubernetes 1.${kubelet.minor.value}`,
    why: "it may work; nobody tests it",
    at,
    fix: {
      summary: `install ${problem.needs} or later of its line`,
      links: ["https://github.com/containerd/containerd/blob/main/RELEASES.md#kubernetes-support"],
    },
  });
}

function* schemaOne(facts: DoctorFacts): Iterable<Finding> {
  const name = "CONTAINERD_ENABLE_DEPRECATED_PULL_SCHEMA_1_IMAGE";
  const set = facts.environment[name];
  if (set === undefined || !isSince(facts, 2, 1)) return;
  yield finding(facts.path, {
    check: "containerd-schema-1",
    severity: "high",
    title: `${name}: has no effect any more`,
    why: "images of Docker's schema 1 cannot be pulled from containerd 2.1 on",
    at: [set.source],
    fix: { summary: "push those images again with a present tool: skopeo copy docker://IMAGE docker://IMAGE" },
  });
}

/** In line 1 an import's table of a plugin takes the place of the main file's. */
function* replacedByImports(facts: DoctorFacts): Iterable<Finding> {
  const [main, ...imports] = facts.files;
  if (main === undefined || !isFirst(facts)) return;
  for (const file of imports) {
    const theirs = file.tree["plugins"];
    const ours = main.tree["plugins"];
    if (!isTomlTable(theirs) || !isTomlTable(ours)) continue;
    for (const plugin of Object.keys(theirs).filter((name) => Object.hasOwn(ours, name))) {
      const path = ["plugins", plugin];
      yield finding(file.path, {
        check: "containerd-import-replaces",
        severity: "high",
        title: `${keyPathText(path)}: takes the place of the whole table in ${main.path}`,
        why: "containerd 1 does not add the two up: settings of the main file's table fall back to their defaults",
        at: [file.sourceOf(path), main.sourceOf(path)],
        fix: { summary: "have the table in one of the files only, or upgrade to containerd 2" },
      });
    }
  }
}

/** Source: `CheckLocalImagePullConfigs` in containerd `internal/cri/config/config.go`. */
function* localPull(facts: DoctorFacts, view: ConfigView): Iterable<Finding> {
  if (!isSince(facts, 2, 1)) return;
  const downloads = view.images("max_concurrent_downloads");
  const [mirror] = view.imagesBelow("registry", "mirrors");
  const found = [
    ["Registry.Mirrors", mirror],
    ["MaxConcurrentDownloads", downloads?.value === 3 ? undefined : downloads],
    ["DiscardUnpackedLayers", isTrue(view, "discard_unpacked_layers")],
    ["ImagePullWithSyncFs", isTrue(view, "image_pull_with_sync_fs")],
  ] as const;
  for (const [name, leaf] of found) {
    if (leaf === undefined) continue;
    yield finding(facts.path, {
      check: "containerd-local-pull",
      severity: "low",
      title: `${name}: makes containerd pull the old way`,
      why: `it warns: Found '${name}' in CRI config which is incompatible with transfer service. Falling back to local image pull mode.`,
      at: [leaf.origin.source],
      fix: { summary: 'say it in plugins."io.containerd.transfer.v1.local", or take it out' },
    });
  }
}

function isTrue(view: ConfigView, name: string) {
  const leaf = view.images(name);
  return leaf?.value === true ? leaf : undefined;
}

function* snapshotter(facts: DoctorFacts, view: ConfigView): Iterable<Finding> {
  const leaf = view.own.find(({ path, value }) => path.at(-1) === "snapshotter" && typeof value === "string");
  const proxies = view.config.tree["proxy_plugins"];
  const known = ["overlayfs", "native", "btrfs", "zfs", "devmapper", "blockfile", "erofs", ""];
  if (leaf === undefined || typeof leaf.value !== "string") return;
  if (known.includes(leaf.value) || (isTomlTable(proxies) && Object.hasOwn(proxies, leaf.value))) return;
  if (leaf.value === "aufs" && !isSince(facts, 2, 0)) return;
  yield finding(facts.path, {
    check: "containerd-snapshotter",
    severity: "blocker",
    title: `snapshotter: there is no ${leaf.value}`,
    why: `the CRI plugin does not load: failed to find snapshotter "${leaf.value}"`,
    at: [leaf.origin.source],
    fix: { summary: "take overlayfs, or add the proxy plugin of that name" },
  });
}

/** Source: `migrateConfig` in containerd `plugins/cri/images/plugin.go`, which returns before it comes to them. */
function* droppedSnapshotter(facts: DoctorFacts, view: ConfigView): Iterable<Finding> {
  if (!isSince(facts, 2, 0) || view.config.version > 2 || view.handlers.length > 0) return;
  const leaf = view.images("snapshotter") ?? view.images("discard_unpacked_layers");
  if (leaf === undefined || leaf.value === "overlayfs" || leaf.value === false || leaf.value === "") return;
  yield finding(facts.path, {
    check: "containerd-migration-drops",
    severity: "high",
    title: `${leaf.path.at(-1)}: is dropped when containerd 2 migrates this file`,
    why: "without a table of runtimes beside it, containerd's migration in memory leaves it out: overlayfs is used",
    at: [leaf.origin.source],
    fix: { summary: "bring the file to version 3 by other means", commands: ["ferry migrate doctor --to 3"] },
  });
}
