import type { Readable } from "node:stream";
import { EngineError, errnoOf } from "#base/errors.ts";
import { JsonReader } from "#base/json-reader.ts";
import type { RouteContext } from "./route.ts";

/**
 * The JSON body of a request; an absent value where there is none.
 *
 * @throws invalidArgument with Docker's texts: not JSON, another content type, larger than the limit
 */
export async function readBody(context: RouteContext): Promise<JsonReader> {
  const bytes = await readAll(context.body, context.settings.maxBodyBytes);
  checkContentType(context.headers["content-type"], bytes.length);
  if (bytes.length === 0) return new JsonReader(undefined, "invalid JSON");
  return new JsonReader(parseJson(bytes), "invalid JSON");
}

/** All bytes of `body`. @throws invalidArgument above `maxBytes` */
export async function readAll(body: Readable, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let total = 0;
  for await (const bytes of bodyChunks({ body })) {
    total += bytes.length;
    if (total > maxBytes) {
      throw new EngineError("invalidArgument", `request body: larger than ${maxBytes} bytes`);
    }
    chunks.push(Buffer.from(bytes));
  }
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, total);
}

/**
 * A body as it comes. Left early it stays open, so that the client can still be told why.
 *
 * @throws canceled when the client goes away before its end
 */
export async function* bodyChunks({ body }: Pick<RouteContext, "body">): AsyncGenerator<Uint8Array, void> {
  try {
    yield* body.iterator({ destroyOnReturn: false });
  } catch (error) {
    if (errnoOf(error) !== "ECONNRESET") throw error;
    throw new EngineError("canceled", "client closed the connection", { cause: error });
  }
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) as unknown;
  } catch (error) {
    // The parser's own text quotes the body, which may hold a password.
    const why = error instanceof SyntaxError ? `malformed${positionIn(error.message)}` : "not UTF-8";
    throw new EngineError("invalidArgument", `invalid JSON: ${why}`);
  }
}

function positionIn(text: string): string {
  const at = /at position \d+/.exec(text)?.[0];
  return at === undefined ? "" : ` ${at}`;
}

function checkContentType(header: string | undefined, length: number): void {
  if (header === undefined && length === 0) return;
  const type = (header ?? "").split(";")[0]?.trim().toLowerCase();
  if (type === "application/json") return;
  // The docker command of 20.10 sends text/plain where there is no body.
  if (length === 0) return;
  if (type === "") throw new EngineError("invalidArgument", "malformed Content-Type header (): mime: no media type");
  throw new EngineError("invalidArgument", `unsupported Content-Type header (${header}): must be 'application/json'`);
}
