import type { Finding } from "../../assess/finding.ts";
import { formatSource } from "../format-source.ts";
import { markup, type Markup } from "./markup.ts";

/** One finding, closed; opens by keyboard as every `details` does. */
export function findingSection(finding: Finding): Markup {
  const { check, severity, title, why, evidence, fix } = finding;
  const nodes = nodesOf(finding);
  return markup`<details class="finding ${severity}" data-severity="${severity}" data-nodes="${nodes.join(" ")}">
    <summary><span class="badge">${severity}</span>${title}</summary>
    <div>
      <p>${why}</p>
      <ul class="evidence">
        ${evidence.map((source) => markup`<li><code>${formatSource(source)}</code></li>`)}
      </ul>
      ${nodes.length > 0 ? markup`<p class="faint">On ${nodes.slice(0, 20).join(", ")}${nodes.length > 20 ? ` and ${nodes.length - 20} more nodes` : ""}</p>` : undefined}
      <p><b>Fix:</b> ${fix.summary}</p>
      ${fix.commands === undefined ? undefined : markup`<pre><code>${fix.commands.join("\n")}</code></pre>`}
      ${fix.patch === undefined ? undefined : markup`<pre><code>${fix.patch}</code></pre>`}
      ${fix.links?.filter(isWebAddress).map((link) => markup`<p><a href="${link}" rel="noreferrer">${link}</a></p>`)}
      <p class="faint">check <code>${check}</code></p>
    </div>
  </details>`;
}

/** Nodes that a finding is about. */
export function nodesOf({ subject, nodes }: Finding): readonly string[] {
  if (nodes !== undefined) return nodes;
  if (subject.t === "node") return [subject.node];
  return subject.t === "object" && subject.node !== undefined ? [subject.node] : [];
}

function isWebAddress(link: string): boolean {
  return /^https?:\/\//.test(link);
}
