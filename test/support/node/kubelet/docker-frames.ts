/** Text of a stream of Docker's frames: one byte stream, three of nothing, four of length, then the bytes. */
export async function splitFrames(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk);
  const all = Buffer.concat(chunks);
  let text = "";
  for (let at = 0; at + 8 <= all.length;) {
    const end = at + 8 + all.readUInt32BE(at + 4);
    text += all.subarray(at + 8, end).toString();
    at = end;
  }
  return text;
}
