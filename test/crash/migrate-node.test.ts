import test from "node:test";
import { nodeLayouts } from "../support/node/layouts.ts";
import { requireBinary, requireRoot } from "../support/require.ts";
import { moveAndKill } from "./migrate-node.ts";

const needed = ["unshare", "nsenter", "tini", "socat", "dockerd", "containerd", "docker-registry", "umoci", "skopeo"];

/**
 * `FERRY_MIGRATE_KILLS`: unset for the quick form, a node that is moved and put back and killed once; `every=N` for every
 * Nth record of all layouts and targets, `every=1` being all. `FERRY_MIGRATE_ONLY=1.27.16/ferry` picks one of them.
 */
const every = Number(/^every=(\d+)$/.exec(process.env["FERRY_MIGRATE_KILLS"] ?? "")?.[1] ?? 0);
const only = process.env["FERRY_MIGRATE_ONLY"];
// Not to cri-dockerd: there is none to be had here, and a drop-in for it names a program of /usr/bin.
const moves = nodeLayouts.flatMap((layout) => (["ferry", "containerd"] as const).map((target) => ({ layout, target })));

for (const [index, { layout, target }] of moves.entries()) {
  const name = `${layout.version}/${target}`;
  if ((every === 0 && name !== "1.23.17/containerd") || (only !== undefined && only !== name)) continue;
  test(`a node of ${name} that is killed on its way gets there, or back to the byte`, async (t) => {
    if (!requireRoot(t) || !requireBinary(t, ...needed)) return;
    // Other records of each, and in the quick form one: Docker is stopped and nothing else runs yet.
    const isPicked = (record: number) => (every === 0 ? record === 21 : record % every === index % every);
    const { records, applyMs, rollbackMs } = await moveAndKill(layout, target, isPicked);
    t.diagnostic(`${records} records; apply ${Math.round(applyMs)} ms, rollback ${Math.round(rollbackMs)} ms`);
  });
}
