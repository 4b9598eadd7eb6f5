import type { Readable } from "node:stream";
import { AsyncQueue } from "#base/async-queue.ts";
import { JsonReader } from "#base/json-reader.ts";
import type { TerminalSize } from "#core/tasks/runtime.ts";

/** No size takes more. */
const maxTextLength = 1024;

/**
 * Sizes as a client writes them: JSON objects `{"Width":80,"Height":24}` one after the other. Of several that wait only
 * the newest is kept. Ends with `source`, and at the first thing that is no size.
 */
export function readTerminalSizes(source: Readable | undefined): AsyncIterable<TerminalSize> {
  const sizes = new AsyncQueue<TerminalSize>(1);
  if (source === undefined) {
    sizes.close();
    return sizes;
  }
  let text = "";
  source.on("data", (chunk: Buffer) => {
    const { found, rest } = splitSizes(text + chunk.toString("latin1"));
    text = rest;
    for (const object of found) {
      const size = parseTerminalSize(object);
      if (size === undefined) sizes.close();
      else if (size.width > 0 && size.height > 0) sizes.push(size);
    }
    if (text.length > maxTextLength) sizes.close();
    if (text.length > maxTextLength) text = "";
  });
  source.on("close", () => sizes.close());
  source.on("end", () => sizes.close());
  return sizes;
}

/** The whole objects that `text` begins with, and what comes after. No object here holds another. */
export function splitSizes(text: string): { found: string[]; rest: string } {
  const end = text.lastIndexOf("}") + 1;
  return { found: text.slice(0, end).match(/[^}]*\}/g) ?? [], rest: text.slice(end) };
}

/** Undefined when `text` is no terminal size. */
export function parseTerminalSize(text: string): TerminalSize | undefined {
  try {
    const json = JsonReader.parse(Buffer.from(text), "terminal size", maxTextLength);
    const [width, height] = [json.at("Width").size(), json.at("Height").size()];
    return width <= 0xffff && height <= 0xffff ? { width, height } : undefined;
  } catch {
    return undefined;
  }
}
