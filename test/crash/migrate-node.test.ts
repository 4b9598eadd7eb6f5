import test from "node:test";
import { nodeLayouts } from "../support/node/layouts.ts";
import { requireBinary, requireRoot } from "../support/require.ts";
import { MovingNode } from "./migrate-node.ts";

const needed = ["unshare", "nsenter", "tini", "socat", "dockerd", "containerd", "docker-registry", "umoci", "skopeo"];

/**
 * `FERRY_MIGRATE_KILLS`: unset for the quick form, a node that is moved and put back and killed once; `every=N` for all
 * layouts and targets: a move and a way back that are killed after each record, then a way back from every Nth record;
 * `reboot=N`: power cuts after every Nth, for the way on and the way back in turn.
 * `FERRY_MIGRATE_ONLY=1.27.16/ferry` picks one of them.
 */
const long = process.env["FERRY_MIGRATE_KILLS"] ?? "";
const every = Number(/^(?:every|reboot)=(\d+)$/.exec(long)?.[1] ?? 0);
const only = process.env["FERRY_MIGRATE_ONLY"];
// A kubelet that has cri-dockerd already is where that target leads to.
const moves = nodeLayouts.flatMap((layout) =>
  (["ferry", "containerd", "cri-dockerd"] as const)
    .filter((target) => target !== "cri-dockerd" || !layout.criDockerd)
    .map((target) => ({ layout, target, name: `${layout.version}/${target}` })),
);

for (const { layout, target, name } of moves) {
  if ((every === 0 && name !== "1.23.17/containerd") || (only !== undefined && only !== name)) continue;
  test(`a node of ${name} that is killed on its way gets there, or back to the byte`, async (t) => {
    if (!requireRoot(t) || !requireBinary(t, ...needed)) return;
    const start = performance.now();
    await using node = await MovingNode.open(layout, target);
    const { applyMs, rollbackMs } = await node.undisturbed();
    const tell = (text: string) => console.log(`${name}: ${seconds(performance.now() - start)}: ${text}`);
    tell(`${node.records} records; apply ${seconds(applyMs)}, rollback ${seconds(rollbackMs)}`);
    if (every > 0) return await (long.startsWith("reboot") ? rebootOften(node, tell) : killOften(node, tell));
    // Pods have gone and Docker still runs: a kubelet that boots now brings them back.
    await node.resumeAfterBoot(19);
    // Docker is stopped and nothing else runs yet.
    await node.goBackAfter(21);
  });
}

async function killOften(node: MovingNode, tell: (text: string) => void): Promise<void> {
  const { apply, rollback } = await node.killAfterEach();
  tell(`apply killed ${apply} times, rollback ${rollback} times`);
  let count = 0;
  for (let record = 1; record <= node.records; record += every) {
    await node.goBackAfter(record);
    count++;
    tell(`back from record ${record} of ${node.records}`);
  }
  tell(`back from ${count} of ${node.records} records`);
}

async function rebootOften(node: MovingNode, tell: (text: string) => void): Promise<void> {
  for (let record = 1, count = 1; record <= node.records; record += every, count++) {
    if (count % 2 === 1) await node.resumeAfterBoot(record);
    else await node.goBackAfterBoot(record);
    tell(`${count % 2 === 1 ? "on" : "back"} after a power cut at record ${record} of ${node.records}`);
  }
}

function seconds(milliseconds: number): string {
  return `${Math.round(milliseconds / 100) / 10} s`;
}
