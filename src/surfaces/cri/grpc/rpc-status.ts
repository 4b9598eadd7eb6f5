import { EngineError, errorKinds, kindOf, messageOf } from "#base/errors.ts";

/** How a call ended, as its trailers tell. Source: gRPC over HTTP2, "Responses". */
export type RpcStatus = { readonly "grpc-status": string; readonly "grpc-message"?: string };

export const okStatus: RpcStatus = { "grpc-status": "0" };

/** The one place where errors get gRPC's codes. What is not an error of ours is a mistake of ours, and says nothing. */
export function statusOf(error: unknown): RpcStatus {
  const kind = kindOf(error);
  const message = isKnown(error) ? shortened(messageOf(error)) : "internal error";
  return { "grpc-status": String(errorKinds[kind].grpc), "grpc-message": percentEncode(message) };
}

/** Clients bound the size of headers, and an error may repeat a text of the request, of any length. */
const maxMessageLength = 2_048;

function shortened(text: string): string {
  return text.length <= maxMessageLength ? text : `${text.slice(0, maxMessageLength).toWellFormed()}…`;
}

/** Whether an error was foreseen. */
export function isKnown(error: unknown): boolean {
  return error instanceof EngineError || kindOf(error) !== "internal";
}

const unitMs = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 } as const;
/** Node's timers count no further. */
const longestMs = 2 ** 31 - 1;

/** The `grpc-timeout` header in milliseconds, at least 1; undefined without a deadline. */
export function parseTimeoutMs(text: string | undefined): number | undefined {
  const [, digits, unit] = /^(\d{1,8})([HMSmun])$/.exec(text ?? "") ?? [];
  const factor = Object.entries(unitMs).find(([name]) => name === unit)?.[1];
  if (digits === undefined || factor === undefined) return undefined;
  return Math.min(longestMs, Math.max(1, Math.ceil(Number(digits) * factor)));
}

/** Bytes of UTF-8 outside of printable ASCII, and the percent sign. */
function percentEncode(text: string): string {
  if (/^[\x20-\x24\x26-\x7e]*$/.test(text)) return text;
  return Array.from(Buffer.from(text), (byte) =>
    byte < 0x20 || byte > 0x7e || byte === 0x25
      ? `%${byte.toString(16).toUpperCase().padStart(2, "0")}`
      : String.fromCharCode(byte),
  ).join("");
}
