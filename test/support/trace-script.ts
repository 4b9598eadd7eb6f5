import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

/**
 * Plays a script of scenarios against a pure machine: a line begins a scenario (`# title`), sets it up or is an event;
 * indented lines are what the machine answered. `REWRITE=1` writes the answers anew, to be read in the diff.
 */
export async function playScript(
  name: string,
  open: () => { play: (words: readonly string[]) => string[] },
): Promise<void> {
  const path = join(import.meta.dirname, "../scripts", name);
  const script = await readFile(path, "utf8");
  let machine = open();
  const lines: string[] = [];
  for (const line of script.split("\n")) {
    if (line.startsWith("  ")) continue;
    lines.push(line);
    if (line.startsWith("#")) machine = open();
    else if (line !== "") lines.push(...machine.play(line.split(" ")).map((answer) => `  ${answer}`));
  }
  const played = lines.join("\n");
  if (process.env["REWRITE"] === "1") await writeFile(path, played);
  else assert.deepEqual(played.split("\n"), script.split("\n"));
}
