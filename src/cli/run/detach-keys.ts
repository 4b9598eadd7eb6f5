/** Default keys that leave a container without ending it. */
export const defaultDetachKeys = "ctrl-p,ctrl-q";

/** `ctrl-p,ctrl-q` as bytes. @throws Error for an unknown key */
export function parseDetachKeys(text: string): Buffer {
  if (text === "") return Buffer.alloc(0);
  return Buffer.from(text.split(",").map(parseKey));
}

function parseKey(key: string): number {
  if (key.length === 1) return key.charCodeAt(0);
  const match = /^ctrl-([a-z@[\\\]^_])$/i.exec(key);
  if (match === null) throw new Error(`unknown key '${key}'`);
  return (match[1] ?? "").toLowerCase().charCodeAt(0) & 0x1f;
}

/**
 * Watches typed bytes for the detach keys: gives what may be sent on, and says when the keys were complete.
 *
 * The beginning of a sequence is held back until it is known to be none.
 */
export class DetachScanner {
  readonly #keys: Buffer;
  #matched = 0;

  constructor(keys: Buffer) {
    this.#keys = keys;
  }

  scan(typed: Buffer): { send: Buffer; detached: boolean } {
    if (this.#keys.length === 0) return { send: typed, detached: false };
    const send: number[] = [];
    for (const byte of typed) {
      if (byte === this.#keys[this.#matched]) {
        this.#matched++;
        if (this.#matched === this.#keys.length) return { send: Buffer.from(send), detached: true };
        continue;
      }
      send.push(...this.#keys.subarray(0, this.#matched));
      this.#matched = byte === this.#keys[0] ? 1 : 0;
      if (this.#matched === 0) send.push(byte);
    }
    return { send: Buffer.from(send), detached: false };
  }
}
