import { closeSync, readSync } from "node:fs";
import { EngineError } from "../errors.ts";
import type { RootedFiles } from "./rooted-files.ts";
import { readTarSplit } from "./tar-split.ts";

export type TarSample = {
  readonly windowBytes: number;
  /** One window of so many is taken. */
  readonly every: number;
  /** Which one, from 0. */
  readonly first: number;
};

/**
 * Windows of the archive that `rebuildTar` would make; nothing is read of the files between them. The archive's last
 * window is shorter.
 *
 * @throws dataLoss as `rebuildTar`
 */
export async function* sampleTar(recipePath: string, files: RootedFiles, sample: TarSample): AsyncGenerator<Buffer> {
  const window = new Window(sample);
  for await (const entries of readTarSplit(recipePath)) {
    for (const entry of entries) {
      if (entry.t === "segment") yield* window.add(entry.bytes.length, copying(entry.bytes));
      else if (entry.sizeBytes > 0 && window.wants(entry.sizeBytes)) {
        const fd = files.open(files.resolve(entry.name), entry.sizeBytes);
        try {
          yield* window.add(entry.sizeBytes, reading(fd, entry.name));
        } finally {
          closeSync(fd);
        }
      } else window.pass(entry.sizeBytes);
    }
  }
  yield* window.rest();
}

/** Fills `target` from `offset` of a piece of the archive. */
type Fill = (target: Buffer, offset: number) => void;

function copying(bytes: Buffer): Fill {
  return (target, offset) => void bytes.copy(target, 0, offset);
}

function reading(fd: number, name: string): Fill {
  return (target, offset) => {
    if (readSync(fd, target, 0, target.length, offset) === target.length) return;
    throw new EngineError("dataLoss", `file ${JSON.stringify(name)}: it ended early`);
  };
}

class Window {
  readonly #sample: TarSample;
  #position = 0;
  #bytes: Buffer;

  constructor(sample: TarSample) {
    this.#sample = sample;
    this.#bytes = Buffer.allocUnsafe(sample.windowBytes);
  }

  /** Whether any of the next `length` bytes is. */
  wants(length: number): boolean {
    return this.#next(this.#position) < this.#position + length;
  }

  pass(length: number): void {
    this.#position += length;
  }

  *add(length: number, fill: Fill): Generator<Buffer> {
    const { windowBytes } = this.#sample;
    const start = this.#position;
    const end = start + length;
    for (let at = this.#next(start); at < end; at = this.#next(at)) {
      const inWindow = at % windowBytes;
      const taken = Math.min(end - at, windowBytes - inWindow);
      fill(this.#bytes.subarray(inWindow, inWindow + taken), at - start);
      at += taken;
      if (inWindow + taken < windowBytes) continue;
      yield this.#bytes;
      this.#bytes = Buffer.allocUnsafe(windowBytes);
    }
    this.#position = end;
  }

  *rest(): Generator<Buffer> {
    const { windowBytes } = this.#sample;
    const begun = this.#position % windowBytes;
    if (begun > 0 && this.#next(this.#position) === this.#position) yield this.#bytes.subarray(0, begun);
  }

  /** The first byte that is wanted, from `at` on. */
  #next(at: number): number {
    const { windowBytes, every, first } = this.#sample;
    const ahead = (first - Math.floor(at / windowBytes) + every) % every;
    const wrapped = ahead < 0 ? ahead + every : ahead;
    return wrapped === 0 ? at : (Math.floor(at / windowBytes) + wrapped) * windowBytes;
  }
}
