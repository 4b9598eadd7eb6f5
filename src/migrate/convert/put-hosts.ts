import type { Destination } from "../ledger/ledger.ts";
import type { Draft } from "./draft.ts";
import { formatHostsToml, type HostLine } from "./registry-hosts.ts";

/**
 * Says where images of a registry's namespace come from, in its hosts.toml; what was said of it first counts. Before
 * containerd 1.5 the hosts stand in its own file.
 */
export function putHosts(namespace: string, hosts: readonly HostLine[], draft: Draft): Destination {
  const mirrors = draft.place("registryMirrors");
  if (mirrors !== undefined) return putOldHosts(mirrors, namespace, hosts, draft);
  const { certsDirectory, label } = draft.spec;
  const path = `${certsDirectory}/${namespace}/hosts.toml`;
  const content = formatHostsToml({
    server: serverOf(namespace),
    hosts,
    directory: certsDirectory,
    comment: [`Docker's settings for ${namespace}, for ${label}.`],
  });
  if (!hasHosts(namespace, draft)) {
    draft.files.push({ path, mode: 0o644, content, why: `where images of ${namespace} come from` });
  }
  return { file: path, key: "host" };
}

/** The directory for hosts of every registry that has none of its own. Source: containerd docs/hosts.md. */
export const everyRegistry = "_default";

function serverOf(namespace: string): string | undefined {
  if (namespace === everyRegistry) return undefined;
  return namespace === "docker.io" ? "https://registry-1.docker.io" : `https://${namespace}`;
}

/** Whether its hosts are said already. */
export function hasHosts(namespace: string, { files, spec }: Draft): boolean {
  return files.some(({ path }) => path === `${spec.certsDirectory}/${namespace}/hosts.toml`);
}

function putOldHosts(place: Destination, namespace: string, hosts: readonly HostLine[], draft: Draft): Destination {
  const table = draft.table("registryMirrors");
  table[namespace] = { endpoint: hosts.map(({ url }) => url) };
  for (const { url, skipVerify } of hosts) {
    if (skipVerify === true)
      draft.table("registryConfigs")[new URL(url).host] = { tls: { insecure_skip_verify: true } };
  }
  return { ...place, key: `${place.key}.${JSON.stringify(namespace)}` };
}
