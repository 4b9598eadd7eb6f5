/** Reads a stream of JSON values, one per line. @throws SyntaxError for a line that is not JSON */
export async function* jsonLines<T>(chunks: AsyncIterable<Buffer>): AsyncGenerator<T> {
  for await (const line of lines(chunks)) {
    if (line !== "") yield JSON.parse(line) as T;
  }
}

async function* lines(chunks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of chunks) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = parts.pop() ?? "";
    for (const part of parts) yield part.trim();
  }
  yield rest.trim();
}
