/** Which stream a frame is of. Source: Docker Engine API, "Attach to a container", stream format. */
export type StreamKind = "stdout" | "stderr";

const kinds = { stdout: 1, stderr: 2 } as const;

/** Eight bytes before each piece of a multiplexed stream: kind, three zeros, length (big endian). */
export function frameHeader(kind: StreamKind, length: number): Buffer {
  const header = Buffer.alloc(8);
  header[0] = kinds[kind];
  header.writeUInt32BE(length, 4);
  return header;
}

/** `chunk` as one frame. */
export function frame(kind: StreamKind, chunk: Uint8Array): Buffer {
  return Buffer.concat([frameHeader(kind, chunk.length), chunk], 8 + chunk.length);
}
