import { durationText } from "#base/duration-text.ts";
import type { ClusterPlan } from "./cluster-plan.ts";

/** A cluster's order for people, as lines. */
export function renderClusterPlan(plan: ClusterPlan): string[] {
  const count = plan.batches.reduce((sum, { nodes }) => sum + nodes.length, 0);
  return [
    `${plan.cluster}: ${count} node${count === 1 ? "" : "s"} to ${plan.target}, in ${plan.batches.length} batch${plan.batches.length === 1 ? "" : "es"}`,
    ...(plan.notes.length === 0 ? [] : ["", ...plan.notes.map((note) => `  ! ${note}`)]),
    ...plan.batches.flatMap(({ id, title, why, nodes, soakMs }) => [
      "",
      `${id.slice(0, id.indexOf("-"))}  ${title}`,
      `    ${why}`,
      ...(title.endsWith(nodes.join(" ")) ? [] : [`    ${nodes.join(" ")}`]),
      ...(soakMs === 0 ? [] : [`    then wait: ${durationText(soakMs)}, every node Ready`]),
    ]),
    ...plan.managed.flatMap(({ provider, pool, nodes, commands, notes }) => [
      "",
      `pool ${pool} (${provider}, ${nodes.length} node${nodes.length === 1 ? "" : "s"}): replaced, not changed`,
      ...commands.map((command) => `    $ ${command}`),
      ...notes.map((note) => `    ! ${note}`),
    ]),
    ...(plan.skipped.length === 0 ? [] : ["", ...plan.skipped.map(({ node, why }) => `left out: ${node}: ${why}`)]),
  ];
}
