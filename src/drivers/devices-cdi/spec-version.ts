import type { JsonReader } from "#base/json-reader.ts";

/** Versions of the specification that have been, oldest first. */
const versions = ["0.3.0", "0.4.0", "0.5.0", "0.6.0", "0.7.0", "0.8.0", "1.0.0", "1.1.0"];

/** Since when there is what. Source: container-device-interface, SPEC.md, released versions. */
const since = {
  "type of a mount": "0.4.0",
  "hostPath of a device node": "0.5.0",
  "name that begins with a digit": "0.5.0",
  annotations: "0.6.0",
  "class with a dot": "0.6.0",
  intelRdt: "0.7.0",
  additionalGids: "0.7.0",
} as const;

export type Needs = keyof typeof since;

/** @throws invalidArgument for a version that is not known, or that has not all of `needs` yet */
export function checkVersion(reader: JsonReader, needs: readonly Needs[]): void {
  const version = reader.string().replace(/^v/, "");
  const at = versions.indexOf(version);
  if (at < 0) reader.fail(`is ${JSON.stringify(version)}, known are ${versions.join(", ")}`);
  for (const need of needs) {
    if (versions.indexOf(since[need]) > at) reader.fail(`is ${version}, and ${need} needs ${since[need]}`);
  }
}
