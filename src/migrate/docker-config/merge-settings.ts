import { redact } from "#base/errors.ts";
import type { ConfigProblem, DaemonSettings, DecodedSettings } from "./decode-daemon-json.ts";

/**
 * The file's settings and the flags', as one. dockerd refuses to start when both give a key, runtimes excepted, which add
 * up; the file's value is taken then, as that is the one people look at.
 */
export function mergeSettings(file: DecodedSettings, flags: DecodedSettings): DecodedSettings {
  const problems: ConfigProblem[] = [...file.problems, ...flags.problems];
  for (const [key, fact] of Object.entries(flags.settings)) {
    const other = file.settings[key as keyof DaemonSettings];
    if (other === undefined || key === "runtimes") continue;
    const [from, to] = [show(fact.value), show(other.value)];
    problems.push({
      key,
      source: fact.source,
      why:
        "the following directives are specified both as a flag and in the configuration file: " +
        `${key}: (from flag: ${from}, from file: ${to})`,
    });
  }
  const runtimes = file.settings.runtimes ?? flags.settings.runtimes;
  const merged = {
    ...flags.settings,
    ...file.settings,
    ...(runtimes !== undefined && {
      runtimes: {
        value: { ...flags.settings.runtimes?.value, ...file.settings.runtimes?.value },
        source: runtimes.source,
      },
    }),
  };
  return { settings: merged, problems };
}

function show(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return redact(text);
}
