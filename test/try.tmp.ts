import { KubernetesNode } from "./support/node/kubernetes-node.ts";
import { nodeLayouts } from "./support/node/layouts.ts";
const which = Number(process.argv[2] ?? 1);
const start = performance.now();
await using node = await KubernetesNode.open(nodeLayouts[which]!);
console.log(
  "settled",
  Math.round(performance.now() - start),
  node.runtimeVersion,
  node.readyPods,
  node.machine.directory,
);
console.log(await node.units());
console.log(await node.machine.run("docker", "ps"));
if (process.argv[3]) await new Promise((r) => setTimeout(r, Number(process.argv[3])));
