import { EngineError } from "#base/errors.ts";

/** What a terminal's client types to leave without ending the process. */
export const defaultDetachKeys = Buffer.from([16, 17]);

/**
 * `ctrl-p,ctrl-q` or single characters, as bytes; the default where `text` is empty.
 *
 * @throws invalidArgument for another form
 */
export function parseDetachKeys(text: string): Buffer {
  if (text === "") return defaultDetachKeys;
  return Buffer.concat(text.split(",").map(parseKey));
}

function parseKey(key: string): Buffer {
  if (/^[\x20-\x7e]$/.test(key)) return Buffer.from(key);
  const control = /^ctrl-([a-z@[\\\]^_])$/.exec(key)?.[1];
  if (control !== undefined) return Buffer.from([control.toUpperCase().charCodeAt(0) & 0x1f]);
  throw new EngineError("invalidArgument", `Invalid detach keys (${key}) provided`);
}

/**
 * Finds the keys in what is typed, over the edges of chunks. Keys that might be the beginning are held back until
 * the next byte decides.
 */
export class DetachScanner {
  readonly #keys: Buffer;
  #matched = 0;

  constructor(keys: Buffer) {
    this.#keys = keys;
  }

  /** The bytes to pass on, and whether the keys were typed; what follows them is dropped. */
  scan(chunk: Uint8Array): { pass: Buffer; detached: boolean } {
    const pass: number[] = [];
    for (const byte of chunk) {
      if (byte === this.#keys[this.#matched]) this.#matched++;
      else {
        pass.push(...this.#keys.subarray(0, this.#matched));
        this.#matched = byte === this.#keys[0] ? 1 : 0;
        if (this.#matched === 0) pass.push(byte);
      }
      if (this.#matched === this.#keys.length) {
        this.#matched = 0;
        return { pass: Buffer.from(pass), detached: true };
      }
    }
    return { pass: Buffer.from(pass), detached: false };
  }
}
