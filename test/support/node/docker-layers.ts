import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { treeListing } from "../tree-listing.ts";
import { otherDockerd } from "../docker-engine.ts";
import type { TestNode } from "./test-node.ts";

const root = "var/lib/docker";

/**
 * What Docker's overlay2 store has of images: names, configurations, and every file of their layers. Its own files without
 * their times, since it writes some anew as it starts. Containers' layers are left out: a kubelet makes them again. Nothing
 * of a Docker that keeps its images in containerd.
 */
export async function dockerLayers(machine: TestNode): Promise<string[]> {
  if (otherDockerd !== undefined) return [];
  const store = machine.at(`${root}/image/overlay2`);
  const lines = (await treeListing(store))
    .filter((line) => !line.includes("./layerdb/mounts"))
    .map((line) => line.replace(/\|\d+\.\d{10}/, ""));
  for (const chain of await readdir(join(store, "layerdb/sha256"))) {
    const cacheId = await readFile(join(store, "layerdb/sha256", chain, "cache-id"), "utf8");
    const files = await treeListing(machine.at(`${root}/overlay2/${cacheId}/diff`));
    lines.push(...files.map((line) => `${chain} ${line}`));
  }
  return lines;
}
