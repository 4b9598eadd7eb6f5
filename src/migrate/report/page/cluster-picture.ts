import { severities, type Finding, type Severity } from "../../assess/finding.ts";
import type { Report, ReportNode } from "../../assess/report.ts";
import { nodesOf } from "./finding-section.ts";
import { markup, type Markup } from "./markup.ts";

type State = Severity | "clean";

const letters: Readonly<Record<State, string>> = { blocker: "B", high: "H", medium: "M", low: "L", clean: "·" };

/** A tile for each node, by runtime, in the colour and letter of the worst that was found on it; undefined without nodes. */
export function clusterPicture(report: Report): Markup | undefined {
  if (report.nodes.length === 0) return undefined;
  const worst = worstByNode(report.findings);
  const groups = Map.groupBy(report.nodes, ({ runtime }) => runtime);
  const states: readonly State[] = [...severities, "clean"];
  return markup`<section aria-labelledby="nodes">
    <h2 id="nodes">Nodes</h2>
    <p class="faint">A tile is a node; press one to see its findings only. Arrow keys go from tile to tile.</p>
    <ul class="legend">
      ${states.map((state) => markup`<li class="${state}"><i>${letters[state]}</i>${state}</li>`)}
    </ul>
    <div class="cluster">${[...groups].map(([runtime, nodes]) => groupOf(runtime, nodes, worst))}</div>
    ${nodeTable(report.nodes)}
  </section>`;
}

function groupOf(runtime: string, nodes: readonly ReportNode[], worst: ReadonlyMap<string, Severity>): Markup {
  return markup`<h3>${runtime} (${nodes.length})</h3>
    <div class="tiles" role="group" aria-label="Nodes with ${runtime}">
      ${nodes.map(({ name, kubelet }) => {
        const state = worst.get(name) ?? "clean";
        const title = `${name}: ${state}; kubelet ${kubelet}`;
        return markup`<button
          class="tile ${state}"
          type="button"
          data-node="${name}"
          aria-pressed="false"
          title="${title}"
          aria-label="${title}"
        >
          ${letters[state]}</button
        >`;
      })}
    </div>`;
}

function worstByNode(findings: readonly Finding[]): Map<string, Severity> {
  const worst = new Map<string, Severity>();
  for (const finding of findings) {
    for (const node of nodesOf(finding)) {
      const before = worst.get(node);
      const isWorse = before === undefined || severities.indexOf(finding.severity) < severities.indexOf(before);
      if (isWorse) worst.set(node, finding.severity);
    }
  }
  return worst;
}

function nodeTable(nodes: readonly ReportNode[]): Markup {
  return markup`<details>
    <summary>The same as a table</summary>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th scope="col">Node</th>
            <th scope="col">Kubelet</th>
            <th scope="col">Runtime</th>
            ${severities.map((severity) => markup`<th scope="col" class="number">${severity}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${nodes.map(
            ({ name, kubelet, runtime, summary }) =>
              markup`<tr>
                <th scope="row">${name}</th>
                <td>${kubelet}</td>
                <td>${runtime}</td>
                ${severities.map((severity) => markup`<td class="number">${summary[severity]}</td>`)}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </details>`;
}
