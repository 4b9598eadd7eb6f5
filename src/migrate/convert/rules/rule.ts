import type { DaemonKey, DaemonValue } from "../../docker-config/daemon-keys.ts";
import type { Fact } from "../../host/source.ts";
import type { Draft } from "../draft.ts";

/** What becomes of one key: it puts things into the draft, and records at least one line in the ledger. */
export type Rule<K extends DaemonKey> = (fact: Fact<DaemonValue<K>>, draft: Draft, key: K) => void;

/** A rule for each of `K`, so that none is forgotten. */
export type Rules<K extends DaemonKey> = { readonly [P in K]: Rule<P> };
