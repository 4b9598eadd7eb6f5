import type { UnixNs } from "#base/clock.ts";
import type { Call, Namespace } from "#core/call.ts";
import type { Labels } from "#core/labels.ts";

/**
 * A volume's record. `removing` is written before its files are touched, so that a crash in between is finished at the
 * next start and half a volume is never given to anyone.
 */
export type VolumeRecord = {
  readonly namespace: Namespace;
  readonly name: string;
  readonly state: "ready" | "removing";
  readonly labels: Labels;
  readonly options: Readonly<Record<string, string>>;
  readonly anonymous: boolean;
  readonly createdAtNs: UnixNs;
};

/** The records behind a volume store; a name is unique in its namespace. */
export interface VolumeIndex {
  find(call: Call, name: string): Promise<VolumeRecord | undefined>;
  list(call: Call): Promise<VolumeRecord[]>;
  /** Every namespace's, for recovery. */
  listAll(): Promise<VolumeRecord[]>;
  /** @throws alreadyExists */
  insert(call: Call, volume: VolumeRecord): Promise<void>;
  /** Replaces the record of that name. @throws notFound */
  update(call: Call, volume: VolumeRecord): Promise<void>;
  /** @throws notFound */
  delete(call: Call, name: string): Promise<void>;
}
