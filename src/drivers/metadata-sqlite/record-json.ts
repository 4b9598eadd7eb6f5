import { EngineError } from "#base/errors.ts";
import { isObject } from "./row.ts";

/**
 * JSON that keeps bigints: `12n` is `{"$bigint":"12"}`. An object of somebody's that looks the same gets one more `$`,
 * so that every value comes back as it was.
 */
export function encodeRecord(record: object): string {
  return JSON.stringify(record, (_key, value: unknown) => {
    if (typeof value === "bigint") return { $bigint: value.toString() };
    const marker = markerOf(value);
    return marker === undefined ? value : { [`$${marker.key}`]: marker.value };
  });
}

/** Reads what {@link encodeRecord} wrote and checks that `fields` are there. @throws dataLoss */
export function decodeRecord(text: string, what: string, fields: readonly string[]): Record<string, unknown> {
  const record = parse(text, what);
  for (const field of fields) if (!(field in record)) throw new EngineError("dataLoss", `${what}: ${field} is missing`);
  return record;
}

function parse(text: string, what: string): Record<string, unknown> {
  try {
    const record: unknown = JSON.parse(text, (_key, value: unknown) => {
      const marker = markerOf(value);
      if (marker === undefined) return value;
      return marker.key === "$bigint" ? BigInt(String(marker.value)) : { [marker.key.slice(1)]: marker.value };
    });
    if (isObject(record)) return record;
  } catch (error) {
    throw new EngineError("dataLoss", `${what}: its record is unreadable`, { cause: error });
  }
  throw new EngineError("dataLoss", `${what}: its record is no object`);
}

/** The only key of an object, where it is `$bigint` with any number of `$` before. */
function markerOf(value: unknown): { key: string; value: unknown } | undefined {
  if (!isObject(value)) return undefined;
  const [key, ...others] = Object.keys(value);
  if (key === undefined || others.length > 0 || !/^\$+bigint$/.test(key)) return undefined;
  return { key, value: value[key] };
}
