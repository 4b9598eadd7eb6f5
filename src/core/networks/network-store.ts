import type { Call } from "#core/call.ts";
import type { Network, NetworkId } from "./network.ts";

/** Records of networks, per namespace; a name is unique in it. */
export interface NetworkStore {
  /** By id, name, or unambiguous id prefix. @throws notFound @throws invalidArgument when a prefix fits several */
  get(call: Call, idOrName: string): Promise<Network>;
  list(call: Call): Promise<Network[]>;
  /** Every namespace's: address ranges are the machine's. */
  listAll(): Promise<Network[]>;
  /** @throws alreadyExists for the name */
  create(call: Call, network: Network): Promise<void>;
  /** @throws notFound */
  delete(call: Call, id: NetworkId): Promise<void>;
}
