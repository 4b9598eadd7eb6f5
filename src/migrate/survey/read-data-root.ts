import type { HostRoot } from "../host/host-root.ts";
import type { Fact } from "../host/source.ts";
import type { DataRootFacts } from "./host-survey.ts";

const maxNamesBytes = 64 << 20;

export async function readDataRoot(root: HostRoot, path: string): Promise<DataRootFacts> {
  const names = await root.list(path);
  return {
    path,
    remapped: names.filter((name) => /^\d+\.\d+$/.test(name)),
    drivers: (await root.list(`${path}/image`)).filter((name) => /^[a-z0-9-]+$/.test(name)),
    hasSwarm: (await root.list(`${path}/swarm`)).length > 0,
    // Docker's own containerd keeps its store here; one of the host elsewhere.
    hasContainerdStore: await root.exists(`${path}/containerd/daemon/io.containerd.metadata.v1.bolt`),
  };
}

/** Tags of images of which no registry knows a digest: built here. Source: moby v20.10.24 reference/store.go. */
export async function readLocalImages(root: HostRoot, dataRoot: string): Promise<Fact<string>[]> {
  const found: Fact<string>[] = [];
  for (const driver of await root.list(`${dataRoot}/image`)) {
    const path = `${dataRoot}/image/${driver}/repositories.json`;
    const text = await root.findText(path, maxNamesBytes);
    const entries = [...(text ?? "").matchAll(/"([^"{}\s]+)":\s*"(sha256:[0-9a-f]{64})"/g)];
    const published = new Set(entries.flatMap(([, name = "", id = ""]) => (name.includes("@sha256:") ? [id] : [])));
    for (const [, name = "", id = ""] of entries) {
      if (!name.includes("@") && !published.has(id)) {
        found.push({ value: name, source: { t: "file", path, excerpt: `${name}: ${id.slice(0, 19)}…, no digest` } });
      }
    }
  }
  return found;
}
