import type { Call } from "#core/call.ts";
import type { Container, ContainerId } from "./container.ts";

/** Records of containers. Each change is durable when the promise settles. */
export interface ContainerStore {
  /** By full id. @throws notFound (`no such container: <id>`) */
  get(call: Call, id: ContainerId): Promise<Container>;
  find(call: Call, id: ContainerId): Promise<Container | undefined>;
  /** By id, name (with or without the slash) or unambiguous id prefix. @throws notFound @throws invalidArgument when a prefix fits several */
  resolve(call: Call, idOrName: string): Promise<Container>;
  list(call: Call): Promise<Container[]>;
  /** Every namespace's, for recovery and garbage collection. */
  listAll(): Promise<Container[]>;
  /** Reserves id and name. @throws conflict with Docker's text when the name is in use, naming the holder's id */
  create(call: Call, container: Container): Promise<void>;
  /** Applies `change` to the stored record and stores the result; answers it. @throws notFound @throws conflict when a new name is in use */
  update(call: Call, id: ContainerId, change: (container: Container) => Container): Promise<Container>;
  /** @throws notFound */
  delete(call: Call, id: ContainerId): Promise<void>;
}
