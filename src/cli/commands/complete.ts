import type { ContainerSummary, ImageSummary } from "#clients/docker/wire-types.ts";
import { aliases, commandTable } from "../command-table.ts";
import type { Command } from "../command.ts";
import { parseFlagTable } from "../flags.ts";
import { write } from "../output.ts";
import { globalFlags, type Session } from "../session.ts";

/** `ferry __complete WORD...`: what the last word may become, one per line, with a tab and a description. */
export const complete: Command = {
  usage: "WORD...",
  summary: "Answers the shells' completion",
  flags: "",
  args: { min: 0 },
  stopAtFirstArgument: true,
  example: "ferry __complete run --na",
  run: async (session, { args }) => {
    const last = args.at(-1) ?? "";
    const offers = await offersFor(session, args.slice(0, -1), last);
    const fitting = offers.filter(([word]) => word.startsWith(last));
    write(1, fitting.map(([word, about]) => `${word}\t${about}\n`).join(""));
    return 0;
  },
};

type Offer = readonly [word: string, about: string];

async function offersFor(session: Session, before: readonly string[], last: string): Promise<Offer[]> {
  const words = before.filter((word) => !word.startsWith("-"));
  const name = [3, 2, 1].map((length) => words.slice(0, length).join(" ")).find((key) => entryOf(key) !== undefined);
  const entry = name === undefined ? undefined : entryOf(name);
  if (entry === undefined) return last.startsWith("-") ? flagOffers(globalFlags) : commandOffers(words);
  const command = await entry.load();
  if (last.startsWith("-")) return flagOffers(command.flags);
  const further = commandOffers(words);
  if (further.length > 0) return further;
  try {
    return await nameOffers(session, command.completes);
  } catch {
    // Without a daemon there are no names to offer; a completion says nothing then.
    return [];
  }
}

function entryOf(key: string) {
  const name = aliases[key] ?? key;
  return Object.hasOwn(commandTable, name) ? commandTable[name] : undefined;
}

function commandOffers(words: readonly string[]): Offer[] {
  const depth = words.length;
  const keys = [...Object.keys(commandTable), ...Object.keys(aliases)].filter((key) => !key.startsWith("__"));
  const offers = keys
    .map((key) => key.split(" "))
    .filter((parts) => parts.length > depth && words.every((word, at) => parts[at] === word))
    .map((parts): Offer => [
      parts[depth] ?? "",
      parts.length === depth + 1 ? (entryOf(parts.join(" "))?.summary ?? "") : "",
    ]);
  return [...new Map(offers.map((offer) => [offer[0], offer])).values()];
}

function flagOffers(table: string): Offer[] {
  return parseFlagTable(table).map(({ name, help }) => [`--${name}`, help]);
}

async function nameOffers({ client }: Session, kind: Command["completes"]): Promise<Offer[]> {
  switch (kind) {
    case "containers":
    case "running": {
      const query = { all: kind === "containers" ? 1 : undefined };
      const found = await client.json<ContainerSummary[]>({ path: "/containers/json", query });
      return found.flatMap(({ Names, Image }) => Names.map((name): Offer => [name.replace(/^\//, ""), Image]));
    }
    case "images": {
      const found = await client.json<ImageSummary[]>({ path: "/images/json" });
      return found.flatMap(({ RepoTags }) => (RepoTags ?? []).map((tag): Offer => [tag, ""]));
    }
    case "networks": {
      const found = await client.json<{ Name: string; Driver: string }[]>({ path: "/networks" });
      return found.map(({ Name, Driver }) => [Name, Driver]);
    }
    case "volumes": {
      const { Volumes } = await client.json<{ Volumes: { Name: string }[] | null }>({ path: "/volumes" });
      return (Volumes ?? []).map(({ Name }) => [Name, ""]);
    }
    case "pods": {
      const found = await client.json<{ Name: string; Namespace: string }[]>({ path: "/ferry/pods" });
      return found.map(({ Name, Namespace }) => [`${Namespace}/${Name}`, ""]);
    }
    case undefined:
      return [];
    default:
      return kind satisfies never;
  }
}
