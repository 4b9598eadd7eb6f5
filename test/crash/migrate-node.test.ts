import test from "node:test";
import { nodeLayouts } from "../support/node/layouts.ts";
import { requireBinary, requireRoot } from "../support/require.ts";
import { MovingNode } from "./migrate-node.ts";

const needed = ["unshare", "nsenter", "tini", "socat", "dockerd", "containerd", "docker-registry", "umoci", "skopeo"];

type Tell = (text: string) => void;
/** How long a move and its way back take when nobody kills them. */
type Durations = { readonly applyMs: number; readonly rollbackMs: number };

/** The long forms, and the quick one; `README.md` has what each does. */
const forms: Readonly<Record<string, (node: MovingNode, count: number, tell: Tell, ms: Durations) => Promise<void>>> = {
  every: killOften,
  resume: resumeOften,
  reboot: rebootOften,
  moments: killAnywhere,
};
const [, long = "", count = "1"] =
  /^(every|resume|reboot|moments)=(\d+)$/.exec(process.env["FERRY_MIGRATE_KILLS"] ?? "") ?? [];
const only = process.env["FERRY_MIGRATE_ONLY"];
// A kubelet that has cri-dockerd already is where that target leads to.
const moves = nodeLayouts.flatMap((layout) =>
  (["ferry", "containerd", "cri-dockerd"] as const)
    .filter((target) => target !== "cri-dockerd" || !layout.criDockerd)
    .map((target) => ({ layout, target, name: `${layout.version}/${target}` })),
);

for (const { layout, target, name } of moves) {
  if ((long === "" && name !== "1.23.17/containerd") || (only !== undefined && only !== name)) continue;
  test(`a node of ${name} that is killed on its way gets there, or back to the byte`, async (t) => {
    if (!requireRoot(t) || !requireBinary(t, ...needed)) return;
    const start = performance.now();
    await using node = await MovingNode.open(layout, target);
    const durations = await node.undisturbed();
    const tell = (text: string) => console.log(`${name}: ${seconds(performance.now() - start)}: ${text}`);
    const { applyMs, rollbackMs } = durations;
    tell(`${node.records.length} records; apply ${seconds(applyMs)}, rollback ${seconds(rollbackMs)}`);
    const form = forms[long];
    if (form !== undefined) return await form(node, Number(count), tell, durations);
    // A kubelet that boots now brings the pods back: Docker still runs.
    await node.resumeAfterBoot(node.recordOf("remove-pods"));
    await node.goBackAfter(node.recordOf("stop-docker"));
    // Between a record and what it announces, on both ways.
    await node.finishAfter({ apply: node.recordOf("wait-for-runtime") + 1, rollback: node.backRecords.length >> 1 });
  });
}

async function killOften(node: MovingNode, every: number, tell: Tell): Promise<void> {
  const { apply, rollback } = await node.killAfterEach();
  tell(`apply killed ${apply} times, rollback ${rollback} times`);
  const { length } = node.records;
  let count = 0;
  for (let record = 1; record <= length; record += every, count++) {
    await node.goBackAfter(record);
    tell(`back from record ${record} of ${length}`);
  }
  tell(`back from ${count} of ${length} records`);
}

/** Each record of both ways has its round; the shorter way back comes round again while the move's last. */
async function resumeOften(node: MovingNode, every: number, tell: Tell): Promise<void> {
  const [records, backRecords] = [node.records.length, node.backRecords.length];
  for (let round = 0; round * every < Math.max(records, backRecords); round++) {
    const [apply, rollback] = [1 + ((round * every) % records), 1 + ((round * every) % backRecords)];
    await node.finishAfter({ apply, rollback });
    tell(`there from record ${apply} of ${records}, back from record ${rollback} of ${backRecords}`);
  }
}

async function rebootOften(node: MovingNode, every: number, tell: Tell): Promise<void> {
  const { length } = node.records;
  for (let record = 1, count = 1; record <= length; record += every, count++) {
    if (count % 2 === 1) await node.resumeAfterBoot(record);
    else await node.goBackAfterBoot(record);
    tell(`${count % 2 === 1 ? "on" : "back"} after a power cut at record ${record} of ${length}`);
  }
}

/** Between records too: moments spread over the whole of both ways. */
async function killAnywhere(node: MovingNode, count: number, tell: Tell, ms: Durations): Promise<void> {
  for (let at = 0; at < count; at++) {
    const part = (at + 0.5) / count;
    const how = at % 2 === 0 ? "straight away" : "finished";
    await node.killAtMoment({ apply: part * ms.applyMs, rollback: part * ms.rollbackMs }, how);
    tell(`back from moment ${at + 1} of ${count}, ${how}`);
  }
}

function seconds(milliseconds: number): string {
  return `${Math.round(milliseconds / 100) / 10} s`;
}
