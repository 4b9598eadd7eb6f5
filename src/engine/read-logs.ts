import { createReadStream, watch } from "node:fs";
import { open, stat, type FileHandle } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { createGunzip } from "node:zlib";
import { errnoOf } from "#base/errors.ts";
import type { UnixNs } from "#base/clock.ts";
import type { Call } from "#core/call.ts";
import { LineAssembler, type LogLine } from "./logs/cri-lines.ts";
import { listLogFiles, newerLogFiles, type LogFile } from "./logs/log-files.ts";
import { findTail, type LogStart } from "./logs/find-tail.ts";

export type { LogLine } from "./logs/cri-lines.ts";

export type LogRequest = {
  /** The file written to now; rotated ones (`<path>.<n>`, `<path>.<time>`, either with `.gz`) are beside it. */
  readonly path: string;
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** Lines before are left out. */
  readonly sinceNs?: UnixNs;
  /** Reading ends with the first line after. */
  readonly untilNs?: UnixNs;
  /** Last lines of what is there now, counted before streams and times are looked at, as Docker does. */
  readonly tail?: number;
  /** Goes on when the end is reached, until {@link ended}. */
  readonly follow: boolean;
  /** Settles when nothing more will be written: the exit is known. Needed with `follow`. */
  readonly ended?: Promise<unknown>;
};

const chunkBytes = 64 * 1024;
/** A look at the file even when no event came. */
const pollMs = 1000;

/**
 * Lines of a container's log, oldest first, over rotated files, none lost or twice. A container without a log has none.
 *
 * Aborting the call ends a follow with the signal's reason.
 */
export async function* readLogs(call: Call, request: LogRequest): AsyncGenerator<LogLine> {
  for await (const batch of readLogBatches(call, request)) yield* batch;
}

/** As {@link readLogs}, as many lines at a time as are there: for who copies much. No batch is empty. */
export async function* readLogBatches(call: Call, request: LogRequest): AsyncGenerator<LogLine[]> {
  const lines = new LineAssembler();
  const start = await startOf(request);
  const filter = new LineFilter(request, start.skipLines);
  for await (const chunk of chunksOf(call, request, start)) {
    const batch = filter.apply(lines.push(chunk));
    if (batch.length > 0) yield batch;
    if (filter.done) return;
  }
  const rest = filter.apply(lines.flush());
  if (rest.length > 0) yield rest;
}

class LineFilter {
  /** A line after the last wanted time was seen. */
  done = false;
  readonly #request: LogRequest;
  #skip: number;

  constructor(request: LogRequest, skipLines: number) {
    this.#request = request;
    this.#skip = skipLines;
  }

  apply(lines: Iterable<LogLine>): LogLine[] {
    const { sinceNs, untilNs, stdout, stderr } = this.#request;
    const batch: LogLine[] = [];
    for (const line of lines) {
      if (this.#skip > 0) {
        this.#skip--;
        continue;
      }
      if (untilNs !== undefined && line.timeNs > untilNs) this.done = true;
      if (this.done) break;
      const wanted = line.stream === "stdout" ? stdout : stderr;
      if (wanted && (sinceNs === undefined || line.timeNs >= sinceNs)) batch.push(line);
    }
    return batch;
  }
}

async function startOf(request: LogRequest): Promise<LogStart> {
  const files = await listLogFiles(request.path);
  if (request.tail === undefined || request.tail < 0) return { files, offset: 0, skipLines: 0 };
  return await findTail(files, request.tail);
}

/** Bytes of the files from the start on, then what is written to the last. */
async function* chunksOf(call: Call, request: LogRequest, start: LogStart): AsyncGenerator<Buffer> {
  let { offset } = start;
  const rotated = start.files.filter(({ path }) => path !== request.path);
  for (const file of rotated) {
    yield* readWhole(call, file, offset);
    offset = 0;
  }
  if (request.follow) yield* follow(call, request, offset);
  else yield* readWhole(call, { path: request.path, compressed: false }, offset);
}

async function* readWhole(call: Call, file: LogFile, offset: number): AsyncGenerator<Buffer> {
  const raw = createReadStream(file.path, { start: file.compressed ? 0 : offset, highWaterMark: chunkBytes });
  const source = file.compressed ? raw.pipe(createGunzip()) : raw;
  if (file.compressed) raw.on("error", (error) => source.destroy(error));
  try {
    for await (const chunk of source as AsyncIterable<Buffer>) {
      call.signal.throwIfAborted();
      yield chunk;
    }
  } catch (error) {
    // Rotation may have removed it since it was listed.
    if (errnoOf(error) !== "ENOENT") throw error;
  } finally {
    raw.destroy();
  }
}

/** Reads on until nothing more will come. A rotated file is read to its end before the next. */
async function* follow(call: Call, request: LogRequest, firstOffset: number): AsyncGenerator<Buffer> {
  using changes = new Changes(request.path, request.ended, call.signal);
  let offset = firstOffset;
  let handle = await openExisting(request.path);
  try {
    for (;;) {
      call.signal.throwIfAborted();
      // In this order: what is seen as the end must have been written before.
      const over = changes.ended;
      const moved = handle !== undefined && (await hasMoved(handle, request.path));
      if (handle !== undefined) offset = yield* readOn(handle, offset);
      if (handle === undefined || moved) {
        const next = await nextFiles(handle, request.path);
        await handle?.close();
        handle = undefined;
        for (const file of next.slice(0, -1)) yield* readWhole(call, file, 0);
        if (next.length > 0) handle = await openExisting(request.path);
        offset = 0;
        if (handle !== undefined) continue;
      }
      if (over) return;
      await changes.next();
    }
  } finally {
    await handle?.close();
  }
}

/** To the end as it is now; answers the offset there. */
async function* readOn(handle: FileHandle, from: number): AsyncGenerator<Buffer, number> {
  let offset = from;
  for (;;) {
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(chunkBytes), 0, chunkBytes, offset);
    if (bytesRead === 0) return offset;
    offset += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** Whether another file is at the path, so that nothing more is written to this one. */
async function hasMoved(handle: FileHandle, path: string): Promise<boolean> {
  const [own, there] = await Promise.all([handle.stat(), stat(path).catch(() => undefined)]);
  return there !== undefined && (there.ino !== own.ino || there.dev !== own.dev);
}

async function nextFiles(handle: FileHandle | undefined, path: string): Promise<LogFile[]> {
  if (handle === undefined) return await listLogFiles(path);
  return await newerLogFiles(path, (await handle.stat()).ino);
}

async function openExisting(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, "r");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** Wakes a follower: the directory changed, nothing more will come, the caller left, or a second has passed. */
class Changes implements Disposable {
  ended = false;
  #changed = false;
  #wake: (() => void) | undefined;
  readonly #stop: () => void;

  constructor(path: string, ended: Promise<unknown> | undefined, signal: AbortSignal) {
    const changed = () => {
      this.#changed = true;
      this.#wake?.();
    };
    const end = () => {
      this.ended = true;
      changed();
    };
    if (ended === undefined) end();
    else ended.then(end, end);
    signal.addEventListener("abort", changed, { once: true });
    const name = basename(path);
    const closeWatch = watchDirectory(dirname(path), (file) => {
      if (file === null || file.startsWith(name)) changed();
    });
    this.#stop = () => {
      closeWatch();
      signal.removeEventListener("abort", changed);
    };
  }

  async next(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const timer = setTimeout(resolve, pollMs);
    if (!this.#changed) await promise;
    clearTimeout(timer);
    this.#changed = false;
    this.#wake = undefined;
  }

  [Symbol.dispose](): void {
    this.#stop();
  }
}

/** The poll is enough where no watch can be had. */
function watchDirectory(path: string, onChange: (file: string | null) => void): () => void {
  try {
    const watcher = watch(path, (_event, file) => onChange(file));
    watcher.on("error", () => {});
    return () => watcher.close();
  } catch {
    return () => {};
  }
}
