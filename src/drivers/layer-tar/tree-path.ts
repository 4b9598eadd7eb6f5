import { EngineError } from "#base/errors.ts";
import { printable, type ByteString } from "./tar-entry.ts";

/**
 * `name` relative to the root, without empty parts, `.` and `..`; empty is the root.
 *
 * @throws invalidArgument when it climbs above the root or has a NUL
 */
export function cleanPath(name: ByteString, noun: string): ByteString {
  if (isClean(name)) return name;
  if (name.includes("\0")) throw new EngineError("invalidArgument", `${noun} ${printable(name)}: NUL in a name`);
  const parts: string[] = [];
  for (const part of name.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") parts.push(part);
    else if (parts.pop() === undefined) {
      throw new EngineError("invalidArgument", `${noun} ${printable(name)}: it leaves the tree`);
    }
  }
  return parts.join("/");
}

export function parentPath(path: ByteString): ByteString {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "" : path.slice(0, slash);
}

export function baseName(path: ByteString): ByteString {
  return path.slice(path.lastIndexOf("/") + 1);
}

export function childPath(parent: ByteString, name: ByteString): ByteString {
  return parent === "" ? name : name === "" ? parent : `${parent}/${name}`;
}

const unclean = /^\/|^\.\.?(?:\/|$)|\/(?:\.\.?)?(?:\/|$)|\0/;

function isClean(name: ByteString): boolean {
  return !unclean.test(name);
}
