import { lookUp } from "#base/look-up.ts";
import type { Finding } from "../../assess/finding.ts";
import { keyPathText } from "../../toml/toml-tree.ts";
import type { ConfigView } from "../config-view.ts";
import type { DoctorFacts } from "../doctor-facts.ts";
import { keyProblem } from "../known-keys.ts";
import { wholeName } from "../steps/v1-to-v2.ts";
import { finding, isSince, pluginError } from "./check.ts";

/** Names, keys and values that containerd refuses, or passes over. */
export function* keyChecks(facts: DoctorFacts, view: ConfigView | undefined): Iterable<Finding> {
  if (view === undefined) return;
  yield* bareNames(facts, view);
  yield* badKeys(facts, view);
  yield* badDurations(facts, view);
}

function* bareNames(facts: DoctorFacts, { config, own }: ConfigView): Iterable<Finding> {
  if (config.version < 2) return;
  const isSecond = isSince(facts, 2, 0);
  const isURI = (name: string) => (isSecond ? name.includes(".") : name.split(".").length >= 4);
  const seen = new Set<string>();
  for (const { path, value, origin } of own) {
    const [first = "", plugin = ""] = path;
    const names = first === "plugins" ? [plugin] : Array.isArray(value) ? value : [];
    const kind = lookUp(kinds, first);
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
    const text = lookUp(durations, path.at(-1) ?? "");
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
