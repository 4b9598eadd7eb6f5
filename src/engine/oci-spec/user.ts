import { EngineError } from "#base/errors.ts";
import type { ContainerConfig } from "#core/containers/container-config.ts";
import type { ResolvedUser } from "./spec-facts.ts";

export type UserFiles = {
  /** Text of the image's `/etc/passwd` and `/etc/group`; undefined where it has none. */
  readonly passwd: string | undefined;
  readonly group: string | undefined;
};

/** What a caller reads of either file at most; entries behind it are not seen. */
export const maxUserFileBytes = 4 * 1024 * 1024;

/**
 * `user[:group]` by name or number, against the image's own files. Pure.
 *
 * A number needs no entry; a number with one takes its group, home and memberships from there. With a group given,
 * memberships do not count, unless `policy` says so. Texts are Docker's. Source: moby/sys/user, `GetExecUser`, `GetAdditionalGroups`.
 *
 * @throws invalidArgument for a name that no entry has, or a number out of range
 */
export function resolveUser(
  user: string,
  additionalGroups: readonly string[],
  files: UserFiles,
  policy?: ContainerConfig["groupPolicy"],
): ResolvedUser {
  const [userPart, groupPart] = splitOnce(user, ":");
  const entry = findUser(userPart, files.passwd);
  const uid = entry?.uid ?? parseId(userPart) ?? 0;
  if (entry === undefined && userPart !== "" && parseId(userPart) === undefined)
    throw new EngineError("invalidArgument", `unable to find user ${userPart}: no matching entries in passwd file`);
  const groups = [...entriesOf(files.group, 4)].flatMap(toGroup);
  const gid = groupPart === "" ? (entry?.gid ?? 0) : findGroup(groupPart, groups, "unable to find group");
  const counts = policy === undefined ? groupPart === "" : policy === "merge";
  const memberships = counts && entry !== undefined ? groups.filter(({ members }) => members.includes(entry.name)) : [];
  const added = additionalGroups.map((name) => findGroup(name, groups, "Unable to find group"));
  return {
    uid: inRange(uid),
    gid: inRange(gid),
    additionalGids: [...new Set([gid, ...memberships.map((group) => group.gid), ...added].map(inRange))],
    home: entry === undefined || entry.home === "" ? "/" : entry.home,
  };
}

type UserEntry = { name: string; uid: number; gid: number; home: string };
type GroupEntry = { name: string; gid: number; members: string[] };

/** The first that fits; a number is always an id. */
function findUser(wanted: string, passwd: string | undefined): UserEntry | undefined {
  const wantedId = wanted === "" ? 0 : parseId(wanted);
  for (const [name = "", , uidText = "", gidText = "", , home = ""] of entriesOf(passwd, 7)) {
    const uid = parseId(uidText);
    if (uid === undefined) continue;
    const fits = wantedId === undefined ? name === wanted : uid === wantedId;
    if (fits) return { name, uid, gid: parseId(gidText) ?? 0, home };
  }
  return undefined;
}

function toGroup([name = "", , gidText = "", members = ""]: string[]): GroupEntry[] {
  const gid = parseId(gidText);
  return gid === undefined ? [] : [{ name, gid, members: members.split(",").filter((member) => member !== "") }];
}

function findGroup(wanted: string, groups: readonly GroupEntry[], text: string): number {
  const id = parseId(wanted);
  if (id !== undefined) return id;
  const found = groups.find(({ name }) => name === wanted);
  if (found !== undefined) return found.gid;
  throw new EngineError("invalidArgument", `${text} ${wanted}: no matching entries in group file`);
}

/** Fields of each line, the file cut at {@link maxUserFileBytes}. */
function* entriesOf(text: string | undefined, fields: number): Generator<string[]> {
  if (text === undefined) return;
  for (const line of text.slice(0, maxUserFileBytes).split("\n")) {
    const trimmed = line.trim();
    if (trimmed !== "" && !trimmed.startsWith("#")) yield trimmed.split(":", fields);
  }
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

function parseId(text: string): number | undefined {
  return /^-?\d{1,15}$/.test(text) ? Number(text) : undefined;
}

const maxId = 2_147_483_647;

function inRange(id: number): number {
  if (id >= 0 && id <= maxId) return id;
  throw new EngineError("invalidArgument", `uids and gids must be in range 0-${maxId}`);
}
