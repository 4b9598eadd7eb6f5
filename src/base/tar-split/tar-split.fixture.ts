import { gzipSync } from "node:zlib";
import { decodePaxRecords, tarBlockBytes } from "../tar/tar-header.ts";
import { Crc64 } from "./crc64.ts";

/** Takes a plain archive apart as Docker does, for tests: the tar-split file's bytes. Small archives only. */
export function splitTar(tar: Buffer): Buffer {
  const lines: string[] = [];
  let segment: Buffer[] = [];
  let extended: string | undefined;
  const flush = () => {
    if (segment.length > 0) note({ type: 2, payload: Buffer.concat(segment).toString("base64") });
    segment = [];
  };
  const note = (entry: Record<string, unknown>) => lines.push(JSON.stringify({ ...entry, position: lines.length }));
  for (let at = 0; at < tar.length;) {
    const block = tar.subarray(at, at + tarBlockBytes);
    segment.push(block);
    at += tarBlockBytes;
    if (block[0] === 0) continue;
    const flag = String.fromCharCode(block[156] ?? 0);
    const size = Number.parseInt(block.toString("latin1", 124, 135), 8) || 0;
    const body = tar.subarray(at, at + size);
    const padding = tar.subarray(at + size, at + Math.ceil(size / tarBlockBytes) * tarBlockBytes);
    at += size + padding.length;
    if (flag === "x") {
      segment.push(body, padding);
      extended = decodePaxRecords(body).get("path");
      continue;
    }
    flush();
    const crc = new Crc64();
    crc.update(body);
    const name = extended ?? block.toString("utf8", 0, Math.max(0, block.indexOf(0)));
    extended = undefined;
    note({ type: 1, name, size, payload: size > 0 ? crc.digest().toString("base64") : null });
    if (padding.length > 0) segment.push(padding);
  }
  flush();
  return gzipSync(`${lines.join("\n")}\n`);
}
