import type { Command, Input } from "../command.ts";
import { filterQuery } from "../format/print-list.ts";
import { parseMoment } from "../format/parse-moment.ts";
import { print } from "../output.ts";
import type { Session } from "../session.ts";

export const events: Command = {
  usage: "[OPTIONS]",
  summary: "Get real time events from the server",
  flags: `
-f, --filter list     Only those that match: type=container, event=die, container=web, label=a=b, ...
    --format string   json, or a template
    --since string    Show all events created since timestamp
    --until string    Stream events until this timestamp
`,
  args: { min: 0, max: 0 },
  example: "ferry events --since 10m --filter event=die",
  run,
};

type Event = {
  Type: string;
  Action: string;
  Actor: { ID: string; Attributes: Record<string, string> | null };
  time: number;
  timeNano?: number;
};

async function run(session: Session, { flags }: Input): Promise<number> {
  const format = session.format(flags);
  const template =
    format === undefined || format === "json"
      ? undefined
      : (await import("../format/template.ts")).compileTemplate(format, { strict: false });
  const stream = session.client.lines<Event>({
    path: "/events",
    query: {
      filters: filterQuery(flags.list("filter")),
      since: flags.parsed("since", parseMoment),
      until: flags.parsed("until", parseMoment),
    },
  });
  for await (const event of stream) {
    print(template !== undefined ? template(event) : format === "json" ? JSON.stringify(event) : formatEvent(event));
  }
  return 0;
}

/** `2026-11-21T12:31:14.024617663Z container start 70dd… (image=bb, name=x)`. */
function formatEvent({ Type, Action, Actor, time, timeNano }: Event): string {
  const seconds = new Date(time * 1000).toISOString().slice(0, 19);
  // JSON numbers hold a time in nanoseconds only to about 256 of them; the seconds are exact.
  const fraction = String(Math.max(0, (timeNano ?? 0) - time * 1e9))
    .padStart(9, "0")
    .slice(0, 9);
  const attributes = Object.entries(Actor.Attributes ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .sort();
  return `${seconds}.${fraction}Z ${Type} ${Action} ${Actor.ID}${attributes.length === 0 ? "" : ` (${attributes.join(", ")})`}`;
}
