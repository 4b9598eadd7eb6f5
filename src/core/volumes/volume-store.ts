import type { UnixNs } from "#base/clock.ts";
import type { Call } from "#core/call.ts";
import type { Labels } from "#core/labels.ts";

export type Volume = {
  readonly name: string;
  /** Only `local`. */
  readonly driver: "local";
  /** Directory of the host that is mounted into containers. */
  readonly mountpoint: string;
  readonly labels: Labels;
  readonly options: Readonly<Record<string, string>>;
  /** Named by Ferry, not by a person; `docker rm -v` takes it along. */
  readonly anonymous: boolean;
  readonly createdAtNs: UnixNs;
};

/** Directories that outlive containers. */
export interface VolumeStore {
  /**
   * Makes it, or answers the one there is. Without a name: 64 random hex digits, anonymous. `anonymous` says so of a
   * named one: the engine chooses the name first, so that its record can name the volume before it is made.
   * @throws invalidArgument for a bad name or option @throws conflict when it exists with other options
   */
  create(
    call: Call,
    request: { name?: string; anonymous?: boolean; labels?: Labels; options?: Readonly<Record<string, string>> },
  ): Promise<Volume>;
  /** @throws notFound */
  get(call: Call, name: string): Promise<Volume>;
  find(call: Call, name: string): Promise<Volume | undefined>;
  list(call: Call): Promise<Volume[]>;
  /** Removes record and files. Whether it is in use is the engine's to know. @throws notFound */
  delete(call: Call, name: string): Promise<void>;
  /** Bytes on disk. @throws notFound */
  usageBytes(call: Call, name: string): Promise<number>;
  /** Whether nothing has been put in it yet, so that image content is copied up on first use. */
  isEmpty(call: Call, name: string): Promise<boolean>;
  /**
   * Gives an empty volume its first content: `write` puts it into a directory, whose entries and attributes become the
   * volume's when it is done, and not before: failure or a crash leave the volume empty. Calls for one volume wait for each other.
   *
   * @returns false when it is not empty (any more); nothing was written then @throws notFound
   */
  fill(call: Call, name: string, write: (directory: string) => Promise<void>): Promise<boolean>;
  recover(call: Call): Promise<void>;
}
