import type { Call } from "../../call.ts";
import { JsonReader } from "#base/json-reader.ts";
import type { Residue, StepAction } from "../../plan/step.ts";
import { rm } from "node:fs/promises";
import { decodeSavedPaths, restorePaths, savePaths } from "../saved-files.ts";
import type { StepContext, StepRun } from "../step-run.ts";

/**
 * Takes away what Docker leaves behind. Directories are kept for the way back; links and chains are not, since Docker
 * makes its own at each start.
 */
export function sweepResidue(context: StepContext, { items }: StepAction & { kind: "sweep-residue" }): StepRun {
  const paths = items.filter((item) => item.t === "path").map(({ path }) => path);
  return {
    save: async (call) => await savePaths(call, context, paths),
    check: async (call) => {
      for (const item of items) if (await isThere(call, context, item)) return false;
      return true;
    },
    do: async (call) => {
      for (const item of items) if (await isThere(call, context, item)) await sweep(call, context, item);
    },
    // What cannot be taken away yet (a chain that somebody jumps to) does not keep a node from working.
    verify: async (call) => {
      for (const item of items) if (await isThere(call, context, item)) context.tell(`still there: ${nameOf(item)}`);
    },
    undo: async (call, saved) =>
      await restorePaths(call, context, decodeSavedPaths(new JsonReader(saved, "journal: sweep-residue"))),
  };
}

async function isThere(call: Call, { files, commands }: StepContext, item: Residue): Promise<boolean> {
  switch (item.t) {
    case "path":
      return await files.exists(item.path);
    case "link":
      return (await commands.try(call, ["ip", "link", "show", "dev", item.name])).code === 0;
    case "chain":
      return (await commands.try(call, ["iptables", "-w", "-t", item.table, "-n", "-L", item.name])).code === 0;
    default:
      return item satisfies never;
  }
}

async function sweep(call: Call, context: StepContext, item: Residue): Promise<void> {
  switch (item.t) {
    case "path":
      return await rm(await context.files.locate(item.path, "keep"), { recursive: true, force: true });
    case "link":
      return void (await context.commands.try(call, ["ip", "link", "delete", "dev", item.name]));
    case "chain":
      return await sweepChain(call, context, item);
    default:
      return item satisfies never;
  }
}

/** A chain can go when it is empty and nothing jumps to it: the rules that do are taken out first. */
async function sweepChain(call: Call, { commands }: StepContext, { table, name }: Residue & { t: "chain" }) {
  const iptables = ["iptables", "-w", "-t", table];
  const { stdout } = await commands.try(call, [...iptables, "-S"]);
  for (const rule of stdout.split("\n").filter((line) => line.startsWith("-A "))) {
    const words = splitRule(rule);
    const jumps = words.some((word, at) => (word === "-j" || word === "-g") && words[at + 1] === name);
    if (jumps) await commands.try(call, [...iptables, "-D", ...words.slice(1)]);
  }
  await commands.try(call, [...iptables, "-F", name]);
  await commands.try(call, [...iptables, "-X", name]);
}

/** Words as `iptables -S` writes them: a comment with blanks is in double quotes. */
function splitRule(rule: string): string[] {
  return [...rule.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? "");
}

function nameOf(item: Residue): string {
  return item.t === "path" ? item.path : item.name;
}
