import type { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { Container, ContainerId } from "./container.ts";

/** A container whose record is damaged or of a shape that this version does not know. */
export type UnreadableContainer = Pick<Container, "id" | "namespace" | "name"> & {
  /** What is wrong, where the record lies, and what to do about it. */
  readonly error: EngineError;
};

/**
 * Records of containers. Each change is durable when the promise settles.
 *
 * One that cannot be read does not stand in the way of the others: it is in no list, its name stays taken, asking for it
 * throws dataLoss with what to do, and it can be deleted.
 */
export interface ContainerStore {
  /** By full id. @throws notFound (`no such container: <id>`) */
  get(call: Call, id: ContainerId): Promise<Container>;
  find(call: Call, id: ContainerId): Promise<Container | undefined>;
  /** By id, name (with or without the slash) or unambiguous id prefix. @throws notFound @throws invalidArgument when a prefix fits several */
  resolve(call: Call, idOrName: string): Promise<Container>;
  list(call: Call): Promise<Container[]>;
  /** Every namespace's, for recovery and garbage collection. */
  listAll(): Promise<Container[]>;
  /** Every namespace's. What they refer to is unknown: whoever removes what nobody seems to use asks here first. */
  listUnreadable(): Promise<UnreadableContainer[]>;
  /** Reserves id and name. @throws conflict with Docker's text when the name is in use, naming the holder's id */
  create(call: Call, container: Container): Promise<void>;
  /** Applies `change` to the stored record and stores the result; answers it. @throws notFound @throws conflict when a new name is in use */
  update(call: Call, id: ContainerId, change: (container: Container) => Container): Promise<Container>;
  /** @throws notFound */
  delete(call: Call, id: ContainerId): Promise<void>;
}
