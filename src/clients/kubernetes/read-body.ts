import { EngineError, messageOf } from "#base/errors.ts";
import type { TransportResponse } from "./transport.ts";

type Body = Pick<TransportResponse, "body" | "signal">;

const defaultMaxBytes = 256 * 1024 * 1024;
const maxLineBytes = 16 * 1024 * 1024;

/** Reads a body to its end. @throws unavailable when it breaks off; resourceExhausted beyond `maxBytes` */
export async function readWhole(answer: Body, maxBytes = defaultMaxBytes): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of chunksOf(answer)) {
    length += chunk.length;
    if (length > maxBytes) throw new EngineError("resourceExhausted", `answer: more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}

/** Reads one JSON value a line, as watches write them. @throws unavailable when the body breaks off */
export async function* readJsonLines(answer: Body): AsyncGenerator<unknown> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of chunksOf(answer)) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      const line = rest.toString("utf8", 0, end).trim();
      rest = rest.subarray(end + 1);
      if (line !== "") yield parseLine(line);
    }
    if (rest.length > maxLineBytes) throw new EngineError("resourceExhausted", "watch: an event is too long");
  }
}

/** Typed chunks; a broken connection is told as ours. Leaving the loop early destroys the body. */
async function* chunksOf({ body, signal }: Body): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of body) if (Buffer.isBuffer(chunk)) yield chunk;
  } catch (error) {
    if (error instanceof EngineError) throw error;
    throw new EngineError(signal.aborted ? "canceled" : "unavailable", `answer: broke off: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw new EngineError("unavailable", "watch: a line that is not JSON", { cause });
  }
}
