import { EngineError } from "#base/errors.ts";

/**
 * Looks through a decoded message. Pure.
 *
 * @throws invalidArgument for a text with a NUL: the kernel would take what is before it for the whole
 */
export function refuseNul(value: unknown, path = "request"): void {
  if (typeof value === "string") {
    if (value.includes("\0")) throw new EngineError("invalidArgument", `${path}: has a NUL`);
  } else if (value instanceof Uint8Array) {
    if (value.includes(0)) throw new EngineError("invalidArgument", `${path}: has a NUL`);
  } else if (Array.isArray(value)) {
    value.forEach((element, index) => refuseNul(element, `${path}[${index}]`));
  } else if (typeof value === "object" && value !== null) {
    for (const [key, field] of Object.entries(value)) {
      if (key === "$unknown") continue;
      refuseNul(key, path);
      refuseNul(field, `${path}.${key}`);
    }
  }
}
