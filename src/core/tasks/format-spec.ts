import type { OciProcess, OciSpec } from "./oci-spec.ts";

/** JSON for a runtime. 2^64, which a double holds for "unlimited", is written as the 2^64 - 1 that Go and C can read. */
export function formatSpec(spec: OciSpec | OciProcess): string {
  return JSON.stringify(spec, (_key, value: unknown) => (value === 2 ** 64 ? maxUint64 : value));
}

/** ECMAScript's raw JSON: a number of more digits than a double has. */
declare global {
  interface JSON {
    rawJSON(text: string): object;
  }
}

const maxUint64 = JSON.rawJSON("18446744073709551615");
