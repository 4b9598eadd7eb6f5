import type { Call } from "#core/call.ts";

/** For what goes on after the call that began it: nothing but the shim's end cuts it short. */
export function endlessCall(call: Call): Call {
  return { ...call, signal: new AbortController().signal };
}
