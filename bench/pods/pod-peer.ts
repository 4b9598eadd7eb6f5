import type { CriClient } from "#test/support/cri-client.ts";

/** One runtime under a kubelet's API, started for this run alone with directories, bridge and subnet of its own. */
export interface PodPeer extends AsyncDisposable {
  readonly name: string;
  readonly version: string;
  readonly client: CriClient;
  /** What the runtime itself runs: daemon, monitors or shims, pause processes; not the containers' own. */
  processes(): Promise<number[]>;
}

export type PodPeerOptions = {
  readonly name: string;
  /** Its own, there already. */
  readonly directory: string;
  /** Of its bridge and subnet; no other peer's. */
  readonly index: number;
  readonly pauseImage: string;
  /** File descriptor for what it prints. */
  readonly log: number;
};
