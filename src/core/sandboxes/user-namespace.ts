/** A range of ids: `containerId` and the `size - 1` after it are `hostId` and those after it outside. */
export type IdMapping = { readonly containerId: number; readonly hostId: number; readonly size: number };

export type IdMappings = { readonly uids: readonly IdMapping[]; readonly gids: readonly IdMapping[] };

/** A linux user namespace that is pinned at `path`. */
export type UserNamespace = IdMappings & { readonly path: string };

/** What an id is outside; undefined when it is not mapped. Pure. */
export function toHostId(mappings: readonly IdMapping[], id: number): number | undefined {
  const found = mappings.find(({ containerId, size }) => id >= containerId && id < containerId + size);
  return found === undefined ? undefined : found.hostId + id - found.containerId;
}
