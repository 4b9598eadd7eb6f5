import type { Finding } from "../../assess/finding.ts";
import { containerdConfigVersion } from "../config-version.ts";
import type { ConfigView } from "../config-view.ts";
import type { DoctorFacts } from "../doctor-facts.ts";
import { keyProblem } from "../known-keys.ts";
import { wholeName } from "../steps/v1-to-v2.ts";
import { finding, isFirst, isSince, pluginError } from "./check.ts";
import { keyPathText } from "../../toml/toml-tree.ts";

/** What keeps containerd, or its CRI plugin, from starting. Texts are containerd's own, as it logs them. */
export function* startUpChecks(facts: DoctorFacts, view: ConfigView | undefined): Iterable<Finding> {
  if (facts.unreadable !== undefined) yield unreadable(facts, facts.unreadable);
  if (view === undefined) return;
  yield* versionTooNew(facts, view);
  yield* newerImports(facts);
  yield* bareNames(facts, view);
  yield* criDisabled(facts, view);
  yield* bothStyles(facts, view);
  yield* badKeys(facts, view);
  yield* badDurations(facts, view);
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

function* bareNames(facts: DoctorFacts, { config, own }: ConfigView): Iterable<Finding> {
  if (config.version < 2) return;
  const isSecond = isSince(facts, 2, 0);
  const isURI = (name: string) => (isSecond ? name.includes(".") : name.split(".").length >= 4);
  const seen = new Set<string>();
  for (const { path, value, origin } of own) {
    const [first = "", plugin = ""] = path;
    const names = first === "plugins" ? [plugin] : Array.isArray(value) ? value : [];
    const kind = kinds[first];
    for (const name of kind === undefined ? [] : names) {
      if (typeof name !== "string" || isURI(name) || seen.has(`${kind} ${name}`)) continue;
      seen.add(`${kind} ${name}`);
      const isPassedOver = first === "plugins" && isSecond;
      yield finding(facts.path, {
        check: "containerd-plugin-name",
        severity: isPassedOver ? "high" : "blocker",
        title: `${first}: ${name} is no whole name`,
        why: isPassedOver
          ? "containerd 2 passes the table over without a word: nothing in it has an effect"
          : `containerd ends: invalid ${kind} URI "${name}" expect io.containerd.x.vx`,
        at: [origin.source],
        fix: { summary: `write the whole name: ${wholeName(name).name}` },
      });
    }
  }
}

const kinds: Readonly<Record<string, string>> = {
  plugins: "plugin key",
  disabled_plugins: "disabled plugin",
  required_plugins: "required plugin",
};

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

/** A key of another type stops containerd; one that is not known is passed over. */
function* badKeys(facts: DoctorFacts, { config, own }: ConfigView): Iterable<Finding> {
  for (const { path, value, origin } of own) {
    const problem = keyProblem(config.version, path, value);
    if (problem === undefined) continue;
    const key = keyPathText(path.slice(2));
    yield finding(facts.path, {
      check: problem === "type" ? "containerd-key-type" : "containerd-key-unknown",
      severity: problem === "type" ? "blocker" : "medium",
      title: problem === "type" ? `${key}: is of another type` : `${key}: is no key of ${path[1]}`,
      why:
        problem === "type"
          ? "containerd does not start, or its CRI plugin does not load: the value cannot be decoded"
          : "it has no effect: containerd 1 says nothing, containerd 2 warns: Ignoring unknown key in TOML for plugin",
      at: [origin.source],
      fix: {
        summary: problem === "type" ? "write it as containerd config default does" : "check its name and its table",
      },
    });
  }
}

/** As containerd names them in its error. Source: `ValidatePluginConfig` at 1.7, `ValidateRuntimeConfig` at 2. */
const durations: Readonly<Record<string, string>> = {
  stream_idle_timeout: "invalid stream idle timeout",
  image_pull_progress_timeout: "invalid image pull progress timeout",
  drain_exec_sync_io_timeout: "invalid `drain_exec_sync_io_timeout`",
};

/** Go's: `1h30m`, `0`; a number alone is none. */
const goDuration = /^[+-]?(0|(\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))+$/;

function* badDurations(facts: DoctorFacts, { own }: ConfigView): Iterable<Finding> {
  for (const { path, value, origin } of own) {
    const text = durations[path.at(-1) ?? ""];
    if (text === undefined || typeof value !== "string" || value === "" || goDuration.test(value)) continue;
    yield finding(facts.path, {
      check: "containerd-duration",
      severity: "blocker",
      title: `${path.at(-1)}: ${JSON.stringify(value)} is no duration`,
      why: pluginError(facts, text),
      at: [origin.source],
      fix: { summary: 'write it as "4h0m0s"' },
    });
  }
}
