import { EngineError } from "#base/errors.ts";
import type { ContainerdConnection } from "./containerd-connection.ts";
import { toEngineError } from "./to-engine-error.ts";

/** A blob of containerd's store, in pieces; its first `sizeBytes` where that is said. @throws notFound */
export async function* readContent(
  signal: AbortSignal,
  { content, socketPath }: ContainerdConnection,
  digest: string,
  sizeBytes = 0,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const { data } of content.read({ digest, offset: 0n, size: BigInt(sizeBytes) }, { signal })) yield data;
  } catch (error) {
    throw toEngineError(error, socketPath);
  }
}

/** A small one, whole. @throws notFound @throws invalidArgument when it is longer than `maxBytes` */
export async function readDocument(
  signal: AbortSignal,
  containerd: ContainerdConnection,
  digest: string,
  maxBytes: number,
): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of readContent(signal, containerd, digest)) {
    length += piece.length;
    if (length > maxBytes) throw new EngineError("invalidArgument", `content ${digest}: longer than ${maxBytes} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}
