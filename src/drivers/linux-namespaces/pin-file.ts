import { open } from "node:fs/promises";
import { EngineError, errnoOf } from "#base/errors.ts";

/** The file that a namespace is bound on; to make it is to reserve the name. @throws alreadyExists */
export async function makePinFile(path: string, name: string): Promise<void> {
  try {
    await using _file = await open(path, "wx", 0o444);
  } catch (error) {
    if (errnoOf(error) === "EEXIST") {
      throw new EngineError("alreadyExists", `linux network namespace ${name}: exists`, { cause: error });
    }
    throw error;
  }
}

/** @throws invalidArgument when it is more than a name */
export function checkedName(name: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/.test(name)) return name;
  throw new EngineError("invalidArgument", `linux network namespace ${JSON.stringify(name)}: not a plain file name`);
}
