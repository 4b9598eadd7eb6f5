import { parseUnitText } from "../host/unit-text.ts";
import { splitWords } from "../host/split-words.ts";
import { applySplices, type Splice } from "./edit-flags.ts";

const requiring = new Set(["Requires", "Requisite", "BindsTo", "PartOf", "Upholds"]);
const ordering = new Set(["After", "Wants"]);

/** Docker's units that another unit may name, cri-dockerd's among them: it goes with Docker. */
const dockerUnits: readonly string[] = ["docker.service", "docker.socket", "cri-docker.service", "cri-docker.socket"];

/**
 * Takes a unit's dependency on Docker away: where it required Docker nothing is left, where it was ordered behind it or
 * wanted it, `replacement` stands instead. A setting that named nothing else goes with its line.
 *
 * Without this a kubelet that requires docker.service starts Docker again, or ends with it.
 */
export function withoutDockerDependency(text: string, replacement: string): string {
  const splices: Splice[] = [];
  for (const { section, key, start, end } of parseUnitText(text)) {
    if (section !== "Unit" || !(requiring.has(key) || ordering.has(key))) continue;
    const words = splitWords(text, { start, end }).map((word) => word.text);
    if (!words.some(isDocker)) continue;
    const others = words.filter((word) => !isDocker(word) && word !== replacement);
    const kept = ordering.has(key) ? [...others, replacement] : others;
    if (kept.length > 0) splices.push({ start, end, text: kept.join(" ") });
    else splices.push({ start: text.lastIndexOf("\n", start) + 1, end: lineEnd(text, end), text: "" });
  }
  return applySplices(text, splices);
}

/** Whether a unit's text names Docker as something it depends on. */
export function dependsOnDocker(text: string): boolean {
  return withoutDockerDependency(text, "") !== text;
}

function isDocker(word: string): boolean {
  return dockerUnits.includes(word);
}

function lineEnd(text: string, at: number): number {
  const end = text.indexOf("\n", at);
  return end < 0 ? text.length : end + 1;
}
