import { isAbsolute, resolve } from "node:path";
import { EngineError } from "#base/errors.ts";
import type { ImageTarget } from "./image-target.ts";

/**
 * The target that `text` names: `oci:DIRECTORY`. What a target needs is loaded with it.
 *
 * @throws invalidArgument for anything else
 */
export async function openTarget(text: string): Promise<ImageTarget> {
  const [kind = "", ...rest] = text.split(":");
  const detail = rest.join(":");
  if (kind === "oci" && detail !== "") {
    const { OciLayoutTarget } = await import("./targets/oci-layout.ts");
    return await OciLayoutTarget.open(isAbsolute(detail) ? detail : resolve(detail));
  }
  throw new EngineError("invalidArgument", `target ${JSON.stringify(text)}: not oci:DIRECTORY`);
}
