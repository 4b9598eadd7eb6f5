import { isAbsolute, resolve } from "node:path";
import { EngineError } from "#base/errors.ts";
import type { ImageTarget } from "./image-target.ts";
import type { FerryConnection } from "./targets/ferry.ts";

/**
 * The target that `text` names: `ferry` or `oci:DIRECTORY`. What a target needs is loaded with it; `ferry` answers the
 * daemon to speak to.
 *
 * @throws invalidArgument for anything else
 */
export async function openTarget(text: string, ferry: () => FerryConnection): Promise<ImageTarget> {
  const [kind = "", ...rest] = text.split(":");
  const detail = rest.join(":");
  if (kind === "oci" && detail !== "") {
    const { OciLayoutTarget } = await import("./targets/oci-layout.ts");
    return await OciLayoutTarget.open(isAbsolute(detail) ? detail : resolve(detail));
  }
  if (text === "ferry") {
    const { FerryTarget } = await import("./targets/ferry.ts");
    return await FerryTarget.open(ferry());
  }
  throw new EngineError("invalidArgument", `target ${JSON.stringify(text)}: not ferry or oci:DIRECTORY`);
}
