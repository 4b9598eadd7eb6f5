import { open, readFile, truncate, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { syncDirectory } from "#base/atomic-file.ts";
import { EngineError, errnoOf } from "#base/errors.ts";
import { JsonReader } from "#base/json-reader.ts";
import { toDiskError } from "./disk-error.ts";
import { decodeRecord, journalVersion, type JournalEvent, type JournalRecord } from "./journal-record.ts";
import { advance, emptyState, type JournalState } from "./journal-state.ts";

const maxLineBytes = 16 << 20;

/** What was begun and what was done, one JSON line each, on disk before `append` returns. */
export class Journal implements AsyncDisposable {
  readonly #file: FileHandle;
  readonly #path: string;
  readonly #onRecord: (record: JournalRecord) => void;
  #records: readonly JournalRecord[];
  #state: JournalState;

  /** Of whole records: what a failed write left behind it is no part of the journal. */
  #bytes: number;

  private constructor(
    { file, path }: { readonly file: FileHandle; readonly path: string },
    { records, wholeBytes }: Whole,
    onRecord: (record: JournalRecord) => void,
  ) {
    this.#file = file;
    this.#path = path;
    this.#records = records;
    this.#bytes = wholeBytes;
    this.#state = records.reduce(advance, emptyState);
    this.#onRecord = onRecord;
  }

  /**
   * Opens or makes the journal. A last line that was cut off by a crash is taken away: nothing was done on its strength.
   * `onRecord` is told of each new record once it is on disk.
   *
   * @throws failedPrecondition for another version @throws dataLoss for a line that is no record
   */
  static async open(path: string, onRecord: (record: JournalRecord) => void = () => {}): Promise<Journal> {
    const whole = await readWhole(path);
    if (whole.isTorn) await truncate(path, whole.wholeBytes);
    const file = await open(path, "a", 0o600);
    await syncDirectory(dirname(path));
    return new Journal({ file, path }, whole, onRecord);
  }

  /** Reads one without opening it for writing; none where there is no file. @throws as open */
  static async read(path: string): Promise<readonly JournalRecord[]> {
    return (await readWhole(path)).records;
  }

  get state(): JournalState {
    return this.#state;
  }

  get records(): readonly JournalRecord[] {
    return this.#records;
  }

  /** Whole or not at all. @throws resourceExhausted on a full disk, and whatever else the disk says */
  async append(event: JournalEvent): Promise<void> {
    const record: JournalRecord = { at: new Date().toISOString(), ...event };
    const line = Buffer.from(`${JSON.stringify({ version: journalVersion, ...record })}\n`);
    try {
      await this.#file.appendFile(line);
      await this.#file.datasync();
    } catch (error) {
      await this.#file.truncate(this.#bytes).catch(() => {
        // Then the next to open it takes the torn line away.
      });
      throw toDiskError(`journal ${this.#path}`, error);
    }
    this.#bytes += line.length;
    this.#records = [...this.#records, record];
    this.#state = advance(this.#state, record);
    this.#onRecord(record);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
  }
}

type Whole = { readonly records: JournalRecord[]; readonly wholeBytes: number; readonly isTorn: boolean };

async function readWhole(path: string): Promise<Whole> {
  const bytes = await readFile(path).catch((error: unknown) => {
    if (errnoOf(error) === "ENOENT") return Buffer.alloc(0);
    throw error;
  });
  const wholeBytes = bytes.lastIndexOf(0x0a) + 1;
  const lines = bytes.subarray(0, wholeBytes).toString().split("\n").slice(0, -1);
  const records = lines.map((line, at) => parseLine(line, `${path}: line ${at + 1}`));
  return { records, wholeBytes, isTorn: wholeBytes < bytes.length };
}

function parseLine(line: string, what: string): JournalRecord {
  try {
    return decodeRecord(JsonReader.parse(Buffer.from(line), what, maxLineBytes));
  } catch (error) {
    if (error instanceof EngineError && error.kind === "failedPrecondition") throw error;
    throw new EngineError("dataLoss", `${what}: no journal record`, { cause: error });
  }
}
