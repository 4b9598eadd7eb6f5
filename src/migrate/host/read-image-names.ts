import type { HostRoot } from "./host-root.ts";

const maxNamesBytes = 64 << 20;

/**
 * Names of images (`nginx:1.25`, `nginx@sha256:…`) in Docker's graph store at `directory`, `/var/lib/docker/image/overlay2`.
 * Source: moby v20.10.24 reference/store.go.
 */
export async function readImageNames(root: HostRoot, directory: string): Promise<string[]> {
  const text = (await root.findText(`${directory}/repositories.json`, maxNamesBytes)) ?? "";
  return [...text.matchAll(/"([^"{}\s]+:[^"{}\s]+)":\s*"sha256:/g)].map(([, name = ""]) => name);
}
