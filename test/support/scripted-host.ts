import { readFile } from "node:fs/promises";
import type { RunningHost } from "#migrate/host/running-host.ts";
import { hostRootOf, type TemporaryHostRoot } from "./host-root.ts";

export type ScriptedHost = TemporaryHostRoot & { readonly running: RunningHost | undefined };

/**
 * A host root from a text as {@link hostRootOf} takes it, on top of `base`. Behind its files, a line `== $ command` begins
 * what that command answers, `== $ processes` lists `PID WORD...`; with any of them the host counts as running.
 */
export async function scriptedHost(path: string, base: string): Promise<ScriptedHost> {
  const [files = "", ...answers] = (await readFile(path, "utf8")).split(/^== \$ /m);
  const said = new Map(
    answers.map((text) => {
      const end = text.indexOf("\n");
      return [text.slice(0, end), text.slice(end + 1)] as const;
    }),
  );
  const made = await hostRootOf(`${base}\n${files}`);
  const running: RunningHost = {
    ask: async (command) => said.get(command.join(" ")),
    processes: async () => processesOf(said.get("processes")),
  };
  return {
    root: made.root,
    running: said.size > 0 ? running : undefined,
    [Symbol.asyncDispose]: async () => await made[Symbol.asyncDispose](),
  };
}

function processesOf(text = ""): { pid: number; argv: string[] }[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [pid, ...argv] = line.split(" ");
      return { pid: Number(pid), argv };
    });
}
