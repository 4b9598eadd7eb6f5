import { posix } from "node:path";

/** A path as a person wrote it, without double or trailing slashes and dot segments: as plans and reports name it. */
export function plainPath(path: string): string {
  return posix.normalize(path).replace(/(?<=[^/])\/+$/, "");
}
