import { DockerApiError } from "#clients/docker/api-error.ts";
import { CliError } from "../cli-error.ts";
import type { Command, Input } from "../command.ts";
import { segment } from "../each-argument.ts";
import { print, warn } from "../output.ts";
import type { Session } from "../session.ts";

const paths = {
  container: (name: string) => `/containers/${segment(name)}/json`,
  image: (name: string) => `/images/${name.split("/").map(encodeURIComponent).join("/")}/json`,
  network: (name: string) => `/networks/${segment(name)}`,
  volume: (name: string) => `/volumes/${segment(name)}`,
  pod: (name: string) => `/ferry/pods/${segment(name)}`,
} as const;

type Kind = keyof typeof paths;
const kinds: readonly Kind[] = ["container", "image", "network", "volume", "pod"];

export const inspect: Command = {
  usage: "[OPTIONS] NAME|ID [NAME|ID...]",
  summary: "Return low-level information on containers, images, networks, volumes and pods",
  flags: `
-f, --format string   json, or a template
-s, --size            Display total file sizes if the type is container
    --type string     Only inspect objects of this type: container, image, network, volume, pod
`,
  args: { min: 1 },
  example: "ferry inspect --format '{{.State.Status}} {{json .NetworkSettings.Ports}}' web",
  completes: "containers",
  run: async (session, input) => await inspectObjects(session, input, readKinds(input)),
};

/** `ferry container inspect` and its like: one kind only. */
export function inspectKind(kind: Kind): Command {
  return {
    ...inspect,
    usage: `[OPTIONS] ${kind.toUpperCase()} [${kind.toUpperCase()}...]`,
    summary: `Display detailed information on one or more ${kind}s`,
    flags: inspect.flags.replace(/.*--type.*\n/, ""),
    example: `ferry ${kind} inspect NAME`,
    completes: `${kind}s`,
    run: async (session, input) => await inspectObjects(session, input, [kind]),
  };
}

function readKinds({ flags }: Input): readonly Kind[] {
  const type = flags.text("type");
  if (type === undefined || type === "") return kinds;
  const kind = kinds.find((one) => one === type);
  if (kind === undefined)
    throw new CliError(`"${type}" is not a valid value for --type`, { next: `one of: ${kinds.join(", ")}` });
  return [kind];
}

async function inspectObjects(session: Session, { flags, args }: Input, allowed: readonly Kind[]): Promise<number> {
  const format = session.format(flags);
  const found: unknown[] = [];
  const missing: string[] = [];
  for (const name of args) {
    const value = await findObject(session, name, allowed, flags.bool("size"));
    if (value === undefined) missing.push(name);
    else found.push(value);
  }
  if (format === undefined || format === "") print(JSON.stringify(found, undefined, 4));
  else if (format === "json") for (const one of found) print(JSON.stringify(one));
  else {
    const { compileTemplate } = await import("../format/template.ts");
    const template = compileTemplate(format, { strict: false });
    for (const one of found) print(template(one));
  }
  const noun = allowed.length === 1 ? (allowed[0] ?? "object") : "object";
  for (const name of missing) warn(`Error: No such ${noun}: ${name}`);
  return missing.length === 0 ? 0 : 1;
}

async function findObject(
  session: Session,
  name: string,
  allowed: readonly Kind[],
  withSize: boolean,
): Promise<unknown> {
  for (const kind of allowed) {
    try {
      const query = { size: withSize && kind === "container" ? 1 : undefined };
      return await session.client.json<unknown>({ path: paths[kind](name), query });
    } catch (error) {
      // A name that one kind cannot have (400) may still be another's.
      if (!(error instanceof DockerApiError) || (error.status !== 404 && error.status !== 400)) throw error;
    }
  }
  return undefined;
}
