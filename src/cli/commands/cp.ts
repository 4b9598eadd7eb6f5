import { stat } from "node:fs/promises";
import { basename, dirname, posix, resolve } from "node:path";
import { DockerApiError } from "#clients/docker/api-error.ts";
import { errnoOf } from "#base/errors.ts";
import { CliError } from "../cli-error.ts";
import type { Command, Input } from "../command.ts";
import { segment } from "../each-argument.ts";
import { isTerminal, warn, write } from "../output.ts";
import type { Session } from "../session.ts";

export const cp: Command = {
  usage: "[OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-\n       ferry cp [OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH",
  summary: "Copy files/folders between a container and the local filesystem",
  flags: `
-a, --archive       Archive mode (copy all uid/gid information)
-L, --follow-link   Always follow symbol link in SRC_PATH
-q, --quiet         Suppress progress output during copy
`,
  args: { min: 2, max: 2 },
  example: "ferry cp web:/etc/nginx ./nginx\nferry cp ./site/. web:/srv",
  completes: "containers",
  run,
};

type PathStat = { name: string; mode: number; linkTarget: string };

// Go's os.FileMode, as the API sends it.
const directoryBit = 2 ** 31;
const linkBit = 2 ** 27;

async function run(session: Session, input: Input): Promise<number> {
  const [from = "", to = ""] = input.args;
  const [source, target] = [splitContainerPath(from), splitContainerPath(to)];
  if (source.container !== undefined && target.container !== undefined) {
    throw new CliError("copying between containers is not supported", {
      next: "ferry cp A:/path - | ferry cp - B:/path",
    });
  }
  if (source.container !== undefined)
    await copyOut(session, input, { container: source.container, path: source.path, to });
  else if (target.container !== undefined)
    await copyIn(session, input, { from, container: target.container, path: target.path });
  else
    throw new CliError("must specify at least one container source", { next: "a container's path is CONTAINER:/path" });
  return 0;
}

/** `web:/etc` is a container's path; `./a:b` and `/a:b` are ours. */
function splitContainerPath(text: string): { container: string | undefined; path: string } {
  const colon = text.indexOf(":");
  if (colon < 1 || text.startsWith(".") || text.startsWith("/")) return { container: undefined, path: text };
  const path = text.slice(colon + 1);
  return { container: text.slice(0, colon), path: path.startsWith("/") ? path : `/${path}` };
}

async function copyOut(
  session: Session,
  { flags }: Input,
  { container, path, to }: { container: string; path: string; to: string },
): Promise<void> {
  const wanted = flags.bool("follow-link") ? await resolveLink(session, container, path) : path;
  const api = `/containers/${segment(container)}/archive`;
  await using response = await session.client.open({ path: api, query: { path: wanted } });
  if (to === "-") {
    if (isTerminal(1))
      throw new CliError("refusing to write an archive to a terminal", { next: "redirect it: > out.tar" });
    for await (const bytes of response.body) write(1, bytes);
    return;
  }
  const source = readStat(response.headers["x-docker-container-path-stat"]);
  const { extractTree } = await import("../archive/extract-tree.ts");
  const place = await placeHere(to, {
    isDirectory: isDirectory(source),
    contents: path.endsWith("/."),
    name: source.name,
  });
  await extractTree(response.body, {
    directory: place.directory,
    rename: { from: source.name, to: place.name },
    owners: flags.bool("archive"),
  });
  if (!flags.bool("quiet") && isTerminal(2)) warn(`Successfully copied to ${resolve(to)}`);
}

/** Where a copy goes on our side: the directory it is unpacked in and its name there. @throws CliError */
async function placeHere(
  to: string,
  source: { isDirectory: boolean; contents: boolean; name: string },
): Promise<{ directory: string; name: string }> {
  const found = await stat(to).catch((error: unknown) => {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  });
  if (found?.isDirectory() === true) {
    return { directory: to, name: source.isDirectory && source.contents ? "." : source.name };
  }
  if (found !== undefined && source.isDirectory) throw new CliError(`cannot copy directory: ${to} is a file`);
  if (found === undefined && !source.isDirectory && to.endsWith("/")) throw new CliError(`no such directory: ${to}`);
  const parent = dirname(resolve(to));
  await stat(parent).catch((cause: unknown) => {
    throw new CliError(`no such directory: ${parent}`, { cause });
  });
  return { directory: parent, name: basename(resolve(to)) };
}

async function copyIn(
  session: Session,
  { flags }: Input,
  { from, container, path }: { from: string; container: string; path: string },
): Promise<void> {
  const target = await resolveLink(session, container, path);
  const found = await statThere(session, container, target);
  const isThereDirectory = found !== undefined && isDirectory(found);
  const send = async (directory: string, body: AsyncIterable<Uint8Array>) => {
    const query = {
      path: directory,
      noOverwriteDirNonDir: "true",
      copyUIDGID: flags.bool("archive") ? "true" : undefined,
    };
    const headers = { "Content-Type": "application/x-tar" };
    await session.client.text({
      method: "PUT",
      path: `/containers/${segment(container)}/archive`,
      query,
      headers,
      body,
    });
  };
  if (from === "-") {
    if (!isThereDirectory) throw new CliError(`destination "${container}:${path}" must be a directory`);
    await send(target, process.stdin);
    return;
  }
  const source = await stat(from).catch((cause: unknown) => {
    throw new CliError(`no such file or directory: ${from}`, { cause });
  });
  const place = placeThere(target, found, {
    isDirectory: source.isDirectory(),
    contents: /(^|\/)\.$/.test(from),
    name: basename(resolve(from)),
  });
  const { packTree } = await import("../archive/pack-tree.ts");
  const options = { owners: flags.bool("archive"), followLink: flags.bool("follow-link") };
  await send(place.directory, packTree({ path: from, name: place.name, ...options }));
  if (!flags.bool("quiet") && isTerminal(2)) warn(`Successfully copied to ${container}:${path}`);
}

function placeThere(
  target: string,
  found: PathStat | undefined,
  source: { isDirectory: boolean; contents: boolean; name: string },
): { directory: string; name: string } {
  if (found !== undefined && isDirectory(found)) {
    return { directory: target, name: source.isDirectory && source.contents ? "." : source.name };
  }
  if (found !== undefined && source.isDirectory) throw new CliError(`cannot copy directory: ${target} is a file`);
  if (found === undefined && !source.isDirectory && target.endsWith("/"))
    throw new CliError(`no such directory: ${target}`);
  const bare = target.replace(/\/+$/, "");
  return { directory: posix.dirname(bare), name: posix.basename(bare) };
}

/** Follows a link at the end of a container's path, once. */
async function resolveLink(session: Session, container: string, path: string): Promise<string> {
  const found = await statThere(session, container, path);
  if (found === undefined || (found.mode & linkBit) === 0 || found.linkTarget === "") return path;
  return posix.resolve(posix.dirname(path), found.linkTarget);
}

async function statThere(session: Session, container: string, path: string): Promise<PathStat | undefined> {
  try {
    const api = `/containers/${segment(container)}/archive`;
    await using response = await session.client.open({ method: "HEAD", path: api, query: { path } });
    return readStat(response.headers["x-docker-container-path-stat"]);
  } catch (error) {
    if (error instanceof DockerApiError && error.status === 404) return undefined;
    throw error;
  }
}

function readStat(header: string | undefined): PathStat {
  if (header === undefined) throw new CliError("server: sent no description of the path");
  return JSON.parse(Buffer.from(header, "base64").toString()) as PathStat;
}

function isDirectory({ mode }: PathStat): boolean {
  return mode >= directoryBit;
}
