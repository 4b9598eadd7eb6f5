import type { LedgerEntry } from "../ledger/ledger.ts";

/** A file of the new runtime, whole. */
export type ConvertedFile = {
  readonly path: string;
  readonly mode: number;
  readonly content: string;
  /** One line. */
  readonly why: string;
  /** The file it is a copy of. A private key's text is not shown. */
  readonly copyOf?: string;
};

/** What a configuration of Docker's becomes. */
export type Conversion = {
  /** For people: `containerd 1.6`. */
  readonly target: string;
  /** In the order of their paths. */
  readonly files: readonly ConvertedFile[];
  readonly ledger: readonly LedgerEntry[];
};
