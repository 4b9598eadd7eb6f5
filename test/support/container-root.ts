import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import type { FerryBed } from "./ferry-bed.ts";

/** Where the daemon mounted a running container's root. */
export async function containerRoot(ferry: FerryBed, name: string, namespace = "moby"): Promise<string> {
  const id = await ferry.run("-n", namespace, "inspect", "-f", "{{.Id}}", name);
  const mounts = (await readFile("/proc/self/mountinfo", "utf8")).split("\n").map((line) => line.split(" ")[4] ?? "");
  const root = mounts.find((path) => path.startsWith(ferry.state) && path.includes(id) && path.endsWith("rootfs"));
  assert.ok(root, "the container has a root that is mounted");
  return root;
}
