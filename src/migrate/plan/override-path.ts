import { unitDirectories } from "../host/read-unit.ts";

const own = unitDirectories[0];

/**
 * Where a changed copy of a unit file goes: below `/etc`, where it counts before the package's own, which the next upgrade
 * would write anew. Other files are changed in place.
 */
export function overridePath(path: string): string {
  const directory = unitDirectories.find((one) => one !== own && path.startsWith(`${one}/`));
  return directory === undefined ? path : own + path.slice(directory.length);
}
