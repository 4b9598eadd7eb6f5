declare global {
  interface JSON {
    /** A value that `stringify` writes as `text` stands. Source: ECMAScript proposal JSON.parse source text access. */
    rawJSON(text: string): object;
  }
}

/** An integer for JSON with all its digits, also above 2^53: nanoseconds, CPU time. */
export function exactInteger(value: bigint): object {
  return JSON.rawJSON(value.toString());
}
