/** What every function that does I/O gets first. */
export type Call = {
  /** Aborting ends waits and running commands; what was done stays, and is in the journal. */
  readonly signal: AbortSignal;
};

/** `call`, ended after `timeoutMs` too. */
export function within(call: Call, timeoutMs: number): Call {
  return { ...call, signal: AbortSignal.any([call.signal, AbortSignal.timeout(timeoutMs)]) };
}
