import { parseRfc3339, type UnixNs } from "#base/clock.ts";

export type LogLine = {
  readonly timeNs: UnixNs;
  readonly stream: "stdout" | "stderr";
  /** What the process wrote, newline included where it wrote one. */
  readonly line: Uint8Array;
};

/** A line longer than this is handed on in pieces, only the last with a newline. */
export const maxLineBytes = 1024 * 1024;

const newline = 0x0a;
const space = 0x20;
const tagPartial = 0x50;

type Pending = { timeNs: UnixNs; parts: Uint8Array[]; bytes: number };

/**
 * Lines from the bytes of a CRI-format log: `<RFC 3339> <stdout|stderr> <F|P> <bytes>`, where P is a piece of a line that
 * goes on in the stream's next entry. What is not such an entry is passed over. Source:
 * kubernetes/design-proposals-archive node/kubelet-cri-logging.md.
 */
export class LineAssembler {
  readonly #pending = new Map<"stdout" | "stderr", Pending>();
  readonly #times = new TimeParser();
  #rest: Buffer = Buffer.alloc(0);

  *push(chunk: Buffer): Generator<LogLine> {
    const data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    for (let end = data.indexOf(newline); end >= 0; end = data.indexOf(newline, at)) {
      yield* this.#entry(data.subarray(at, end));
      at = end + 1;
    }
    // No writer makes an entry that long: what has no newline is not a log.
    this.#rest = data.length - at > 2 * maxLineBytes ? Buffer.alloc(0) : Buffer.from(data.subarray(at));
  }

  /** What is there of lines that were never ended. */
  *flush(): Generator<LogLine> {
    if (this.#rest.length > 0) yield* this.#entry(this.#rest);
    this.#rest = Buffer.alloc(0);
    for (const [stream, pending] of this.#pending)
      if (pending.bytes > 0) yield { timeNs: pending.timeNs, stream, line: Buffer.concat(pending.parts) };
    this.#pending.clear();
  }

  *#entry(entry: Buffer): Generator<LogLine> {
    const timeEnd = entry.indexOf(space);
    const streamEnd = entry.indexOf(space, timeEnd + 1);
    if (timeEnd < 0 || streamEnd < 0) return;
    const stream = entry.toString("latin1", timeEnd + 1, streamEnd);
    const timeNs = this.#times.parse(entry.toString("latin1", 0, timeEnd));
    if (timeNs === undefined || (stream !== "stdout" && stream !== "stderr")) return;
    const tagEnd = entry.indexOf(space, streamEnd + 1);
    const content = tagEnd < 0 ? entry.subarray(entry.length) : entry.subarray(tagEnd + 1);
    const partial = entry[streamEnd + 1] === tagPartial;
    const pending = this.#pending.get(stream);
    if (!partial && pending === undefined)
      return yield { timeNs, stream, line: Buffer.concat([content, Buffer.from([newline])]) };
    yield* this.#join({ timeNs, stream, content, partial, pending: pending ?? { timeNs, parts: [], bytes: 0 } });
  }

  *#join(entry: {
    timeNs: UnixNs;
    stream: "stdout" | "stderr";
    content: Buffer;
    partial: boolean;
    pending: Pending;
  }): Generator<LogLine> {
    const { stream, content, partial, pending } = entry;
    pending.parts.push(Buffer.from(content));
    pending.bytes += content.length;
    if (!partial) pending.parts.push(Buffer.from([newline]));
    if (partial && pending.bytes < maxLineBytes) return void this.#pending.set(stream, pending);
    yield { timeNs: pending.timeNs, stream, line: Buffer.concat(pending.parts) };
    if (partial) this.#pending.set(stream, { timeNs: entry.timeNs, parts: [], bytes: 0 });
    else this.#pending.delete(stream);
  }
}

/** Remembers the second it parsed last: lines come many to a second. */
class TimeParser {
  #head = "";
  #zone = "";
  #secondNs: UnixNs = 0n;

  parse(text: string): UnixNs | undefined {
    const head = text.slice(0, 19);
    const fraction = /^\.(\d{9})(Z|[+-]\d\d:\d\d)$/.exec(text.slice(19));
    if (fraction === null) return parseRfc3339(text);
    const [, digits = "", zone = ""] = fraction;
    if (head !== this.#head || zone !== this.#zone) {
      const second = parseRfc3339(`${head}${zone}`);
      if (second === undefined) return undefined;
      this.#head = head;
      this.#zone = zone;
      this.#secondNs = second;
    }
    return this.#secondNs + BigInt(digits);
  }
}
