import type { Finding } from "../../assess/finding.ts";
import { containerdConfigVersion } from "../config-version.ts";
import type { ConfigView } from "../config-view.ts";
import type { DoctorFacts } from "../doctor-facts.ts";
import { finding, isFirst, isSince, pluginError } from "./check.ts";

/** What keeps containerd, or its CRI plugin, from starting. Texts are containerd's own, as it logs them. */
export function* startUpChecks(facts: DoctorFacts, view: ConfigView | undefined): Iterable<Finding> {
  if (facts.unreadable !== undefined) yield unreadable(facts, facts.unreadable);
  if (view === undefined) return;
  yield* versionTooNew(facts, view);
  yield* newerImports(facts);
  yield* criDisabled(facts, view);
  yield* bothStyles(facts, view);
}

function unreadable(
  { path }: DoctorFacts,
  { why, source }: { why: string; source: Finding["evidence"][number] },
): Finding {
  return finding(path, {
    check: "containerd-config-unreadable",
    severity: "blocker",
    title: `${path}: cannot be read`,
    why: `containerd ends at once: ${why}`,
    at: [source],
    fix: { summary: "mend the file", commands: ["containerd config dump"] },
  });
}

function* versionTooNew(facts: DoctorFacts, { config, own }: ConfigView): Iterable<Finding> {
  if (facts.release === undefined) return;
  const [major, minor] = facts.release.value;
  const takes = major === 1 && minor < 3 ? 1 : containerdConfigVersion({ major, minor });
  const at = own.find(({ path }) => path[0] === "version")?.origin.source;
  if (config.version > takes) {
    yield finding(facts.path, {
      check: "containerd-config-too-new",
      severity: "blocker",
      title: `version ${config.version}: containerd ${major}.${minor} reads ${takes} at most`,
      why: isFirst(facts)
        ? "containerd 1 reads it without a word and takes none of its CRI tables: every setting falls back to its default"
        : `containerd ends: expected containerd config version equal to or less than \`${takes}\`, got \`${config.version}\``,
      at: [at, facts.release.source],
      fix: { summary: "put back the file as it was before containerd was upgraded, or upgrade containerd" },
    });
  } else if (config.version === 1) {
    yield finding(facts.path, {
      check: "containerd-config-version-1",
      severity: "medium",
      title: "version 1: names of plugins are not whole",
      why: "containerd 1.7 warns, containerd 2 guesses what plugins are meant; settings that it guesses wrong have no effect",
      at: [at],
      fix: { summary: "bring it to a later version", commands: ["containerd config migrate"] },
    });
  }
}

/** Source: containerd `LoadConfigWithPlugins` at 2.3. */
function* newerImports(facts: DoctorFacts): Iterable<Finding> {
  const [main, ...imports] = facts.files;
  for (const { path, version, sourceOf } of main === undefined || !isSince(facts, 2, 0) ? [] : imports) {
    if (main === undefined || version <= main.version) continue;
    yield finding(path, {
      check: "containerd-import-newer",
      severity: "blocker",
      title: `${path}: version ${version} is imported by a file of version ${main.version}`,
      why: `containerd ends: drop-in config version ${version} higher than root config version ${main.version}`,
      at: [sourceOf(["version"]), main.sourceOf(["version"])],
      fix: { summary: "bring the main file to the same version", commands: [`ferry migrate doctor --to ${version}`] },
    });
  }
}

const criPlugins = ["io.containerd.grpc.v1.cri", "io.containerd.cri.v1.runtime", "io.containerd.cri.v1.images", "cri"];

function* criDisabled(facts: DoctorFacts, view: ConfigView): Iterable<Finding> {
  const disabled = view.own.find(({ path }) => path[0] === "disabled_plugins");
  const names = Array.isArray(disabled?.value) ? disabled.value : [];
  const off = names.filter((name): name is string => typeof name === "string" && criPlugins.includes(name));
  if (off.length === 0 || disabled === undefined) return;
  yield finding(facts.path, {
    check: "containerd-cri-disabled",
    severity: "blocker",
    title: `disabled_plugins: the CRI is off (${off.join(", ")})`,
    why: "the kubelet says: unknown service runtime.v1.RuntimeService. Docker's package of containerd ships it so",
    at: [disabled.origin.source],
    fix: { summary: "take it out of disabled_plugins", commands: ["systemctl restart containerd"] },
  });
}

/** Two ways to say one thing, of which the newer forbids the older. */
function* bothStyles(facts: DoctorFacts, view: ConfigView): Iterable<Finding> {
  const configPath = view.images("registry", "config_path");
  const [mirror] = view.imagesBelow("registry", "mirrors");
  if (configPath !== undefined && configPath.value !== "" && mirror !== undefined) {
    yield finding(facts.path, {
      check: "containerd-mirrors-and-config-path",
      severity: "blocker",
      title: "registry.mirrors stands beside registry.config_path",
      why: pluginError(facts, "`mirrors` cannot be set when `config_path` is provided"),
      at: [mirror.origin.source, configPath.origin.source],
      fix: { summary: "write each mirror as a host of its registry's hosts.toml, and take mirrors out" },
    });
  }
  const tls = view.own.find(({ path }) => path.includes("configs") && path.includes("tls"));
  if (configPath !== undefined && configPath.value !== "" && tls !== undefined) {
    yield finding(facts.path, {
      check: "containerd-tls-and-config-path",
      severity: isSince(facts, 2, 0) ? "high" : "blocker",
      title: "registry.configs.*.tls stands beside registry.config_path",
      why: isSince(facts, 2, 0)
        ? "it has no effect: pulls fail as with an untrusted certificate"
        : pluginError(facts, "`configs.tls` cannot be set when `config_path` is provided"),
      at: [tls.origin.source, configPath.origin.source],
      fix: { summary: "write ca, client or skip_verify into the registry's hosts.toml" },
    });
  }
  const [one, many] = [view.own.find(isBinDir("bin_dir")), view.own.find(isBinDir("bin_dirs"))];
  if (one !== undefined && many !== undefined && isSince(facts, 2, 1)) {
    yield finding(facts.path, {
      check: "containerd-bin-dir-twice",
      severity: "blocker",
      title: "cni.bin_dir stands beside cni.bin_dirs",
      why: pluginError(facts, "`cni.bin_dir` and `cni.bin_dirs` cannot be set at the same time"),
      at: [one.origin.source, many.origin.source],
      fix: { summary: "keep bin_dirs" },
    });
  }
}

function isBinDir(name: string): (leaf: { path: readonly string[]; value: unknown }) => boolean {
  return ({ path, value }) => path.at(-1) === name && path.at(-2) === "cni" && value !== "";
}
