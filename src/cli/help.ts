import { aliases, commandTable } from "./command-table.ts";
import type { Command } from "./command.ts";
import { print } from "./output.ts";
import { globalFlags } from "./session.ts";

/** Groups of commands as a newcomer meets them; the whole fits 24 lines. */
const topGroups: readonly (readonly [string, string])[] = [
  ["Run", "run  exec  attach  logs  cp  port  top  stats"],
  ["Lifecycle", "create  start  stop  restart  kill  pause  unpause  wait  rm  rename  update"],
  ["Look", "ps  images  inspect  events  history  info  version"],
  ["Images", "pull  push  tag  rmi  save  load  import  login  logout"],
  ["Groups", "container  image  network  volume  system  (ferry network --help lists its commands)"],
  ["Leave Docker", "migrate  explain"],
  ["Shell", "completion bash|zsh|fish"],
];

export function printTopHelp(): number {
  print("Usage: ferry [--host HOST] [--namespace NAME] COMMAND [OPTIONS]\n");
  print("Runs containers and manages images, networks and volumes. Speaks to ferryd, or to a Docker Engine.\n");
  for (const [title, names] of topGroups) print(`  ${title.padEnd(14)}${names}`);
  print(`\nOptions:${globalFlags.trimEnd()}`);
  print("\nTry: ferry run --rm -it alpine sh      Flags and an example: ferry COMMAND --help");
  return 0;
}

export function printGroupHelp(group: string): number {
  print(`Usage: ferry ${group} COMMAND\n`);
  const names = [...Object.keys(commandTable), ...Object.keys(aliases)].filter((name) => name.startsWith(`${group} `));
  for (const name of names.sort()) {
    const summary = commandTable[aliases[name] ?? name]?.summary ?? "";
    print(`  ${name.slice(group.length + 1).padEnd(16)}${summary}`);
  }
  print(`\nFlags and an example: ferry ${group} COMMAND --help`);
  return 0;
}

export function printCommandHelp(name: string, command: Command): number {
  print(`Usage: ferry ${name} ${command.usage}\n\n${command.summary}`);
  const flags = command.flags.replace(/^\n+|\s+$/g, "");
  if (flags !== "") print(`\nOptions:\n${flags}`);
  print(`\nExample:\n${command.example.trim().replace(/^/gm, "  ")}`);
  return 0;
}
