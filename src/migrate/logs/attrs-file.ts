import { EngineError } from "#base/errors.ts";

/**
 * The `attrs` of json-file records, which CRI's format has no place for, as JSON lines: `{"from":1,"attrs":{…}}` where
 * they change, `from` being the number of the first CRI record that has them; `null` for none.
 */
export class AttrsRecorder {
  readonly #lines: string[] = [];
  #record = 0;
  #last: string | undefined;

  readonly note = (attrs: string | undefined): void => {
    this.#record++;
    if (attrs === this.#last) return;
    this.#last = attrs;
    this.#lines.push(`{"from":${this.#record},"attrs":${attrs ?? "null"}}\n`);
  };

  /** Whether there was any. */
  get isNeeded(): boolean {
    return this.#lines.length > 0;
  }

  toString(): string {
    return this.#lines.join("");
  }
}

/** Answers record after record what {@link AttrsRecorder} heard. @throws invalidArgument for another text */
export function attrsOf(text: string): () => Uint8Array | undefined {
  const runs = text.split("\n").filter(Boolean).map(parseRun);
  let record = 0;
  let at = -1;
  return () => {
    record++;
    while (record >= (runs[at + 1]?.from ?? Infinity)) at++;
    return runs[at]?.attrs;
  };
}

const pattern = /^\{"from":(\d+),"attrs":(null|\{.*\})\}$/;

/** The JSON is kept as it was written: its bytes are to come back. */
function parseRun(line: string, index: number): { from: number; attrs: Uint8Array | undefined } {
  const [, from, attrs = ""] = pattern.exec(line) ?? [];
  if (from === undefined) throw new EngineError("invalidArgument", `attrs file, line ${index + 1}: not one of ours`);
  return { from: Number(from), attrs: attrs === "null" ? undefined : Buffer.from(attrs) };
}
