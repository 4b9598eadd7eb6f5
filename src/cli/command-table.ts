import type { Command } from "./command.ts";

type Entry = { readonly summary: string; readonly load: () => Promise<Command> };

/** Every command by the words that name it; a command's file is loaded when it is called. */
export const commandTable: Readonly<Record<string, Entry>> = {
  run: { summary: "Create and run a new container", load: async () => (await import("./commands/run.ts")).run },
  ps: { summary: "List containers", load: async () => (await import("./commands/ps.ts")).ps },
  images: { summary: "List images", load: async () => (await import("./commands/images.ts")).images },
  version: {
    summary: "Show the version of client and daemon",
    load: async () => (await import("./commands/version.ts")).version,
  },
};

/** Other names of commands. */
export const aliases: Readonly<Record<string, string>> = {};
