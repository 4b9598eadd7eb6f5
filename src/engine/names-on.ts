import type { Container } from "#core/containers/container.ts";
import type { NetworkAttachment } from "#core/networks/network.ts";

/** What a container is called on a network: its name, the beginning of its id, its aliases there; lower case. */
export function namesOn({ name, id }: Pick<Container, "name" | "id">, { aliases }: NetworkAttachment): string[] {
  return [...new Set([name, id.slice(0, 12), ...aliases].map((it) => it.toLowerCase()))];
}
