import type { Peer } from "../peers/peer.ts";

export type BenchContext = {
  readonly peers: readonly Peer[];
  /** A small image that every peer has. */
  readonly image: string;
  /** The Debian image, in the registry only. */
  readonly bigImage: string;
  readonly progress: (text: string) => void;
};

/** Samples by peer's name, one unit. */
export type Row = {
  readonly name: string;
  readonly unit: "ms" | "s" | "MiB";
  readonly samples: Readonly<Record<string, number[]>>;
  /** What Ferry's median divided by the peer's should not pass. */
  readonly goals?: Readonly<Record<string, number>>;
};

export type Scenario = { readonly name: string; run(context: BenchContext): Promise<Row[]> };

/** One sample per peer and round, the peers in turn, so that a machine whose speed drifts treats them alike. */
export async function inTurn<P extends { readonly name: string }>(
  peers: readonly P[],
  rounds: number,
  sample: (peer: P, round: number) => Promise<number>,
): Promise<Record<string, number[]>> {
  const samples: Record<string, number[]> = Object.fromEntries(peers.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++)
    for (const peer of peers) samples[peer.name]?.push(await sample(peer, round));
  return samples;
}
