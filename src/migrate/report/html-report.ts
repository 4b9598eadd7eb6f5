import { createHash } from "node:crypto";
import { severities } from "../assess/finding.ts";
import type { Report } from "../assess/report.ts";
import { clusterPicture } from "./page/cluster-picture.ts";
import { findingSection } from "./page/finding-section.ts";
import { markup, Markup } from "./page/markup.ts";
import { pageScript } from "./page/page-script.ts";
import { pageStyle } from "./page/page-style.ts";

/**
 * The report as one file that asks nothing of any network: style and script are in it, and its policy lets nothing else
 * run. Names of objects are somebody else's text and are escaped everywhere.
 */
export function htmlReport(report: Report): string {
  const { tool, madeAt, findings } = report;
  const policy = `default-src 'none'; img-src data:; style-src '${digestOf(pageStyle)}'; script-src '${digestOf(pageScript)}'; base-uri 'none'; form-action 'none'`;
  const title = `What depends on Docker: ${nameOf(report)}`;
  return markup`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <link rel="icon" href="data:," />
        <title>${title}</title>
        ${new Markup(`<style>${pageStyle}</style>`)}
      </head>
      <body>
        <a class="skip" href="#findings">To the findings</a>
        <header>
          <h1>${title}</h1>
          <p class="faint">${describe(report)} Made ${madeAt} by ${tool.name} ${tool.version}.</p>
        </header>
        <main>
          <ul class="counts">
            ${severities.map((severity) => markup`<li class="${severity}"><b>${report.summary[severity]}</b>${severity}</li>`)}
          </ul>
          ${clusterPicture(report)}
          <section aria-labelledby="findings">
            <h2 id="findings">Findings</h2>
            ${filters()}
            <p id="status" role="status" class="faint">${findings.length} findings</p>
            ${findings.length === 0 ? markup`<p>Nothing that depends on Docker was found.</p>` : findings.map(findingSection)}
          </section>
          ${missing(report)} ${checks(report)}
        </main>
        <footer>
          <p>
            Severity: blocker, the migration fails or loses data; high, a workload stops working; medium, something is
            degraded; low, to be tidied.
          </p>
        </footer>
        ${new Markup(`<script>${pageScript}</script>`)}
      </body>
    </html>`.text;
}

function digestOf(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}

function nameOf({ cluster, manifests, nodes }: Report): string {
  return cluster?.context ?? manifests[0] ?? nodes[0]?.name ?? "report";
}

function describe({ cluster, manifests }: Report): string {
  if (cluster === null) return manifests.length > 0 ? `Manifests in ${manifests.join(", ")}.` : "";
  const { server, version, nodes, workloads, pods } = cluster;
  return `${server}, Kubernetes ${version}: ${nodes} nodes, ${workloads} workloads, ${pods} pods.`;
}

/** Hidden until the script is there to serve it. */
function filters(): Markup {
  const box = (severity: string) =>
    markup`<label><input type="checkbox" name="severity" value="${severity}" checked />${severity}</label>`;
  return markup`<div class="filters" id="filters" hidden>
    <fieldset>
      <legend class="faint">Severity</legend>
      ${severities.map(box)}
    </fieldset>
    <label>Search <input type="search" id="search" autocomplete="off" /></label>
    <button class="plain" type="button" id="open">Open or close all</button
    ><button class="plain" type="button" id="clear">Show all</button>
  </div>`;
}

function missing(report: Report): Markup | undefined {
  if (report.missing.length === 0) return undefined;
  return markup`<section aria-labelledby="missing">
    <h2 id="missing">Not read</h2>
    <ul>
      ${report.missing.map(
        ({ what, why, rule }) =>
          markup`<li>${what}: ${why}${rule === undefined ? undefined : markup` Allow it with: <code>${rule}</code>`}</li>`,
      )}
    </ul>
  </section>`;
}

function checks(report: Report): Markup {
  return markup`<section aria-labelledby="checks">
    <h2 id="checks">Checks</h2>
    <details>
      <summary>All ${report.checks.length} that looked</summary>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">Check</th>
              <th scope="col">Looks for</th>
              <th scope="col" class="number">Findings</th>
            </tr>
          </thead>
          <tbody>
            ${report.checks.map(
              ({ id, title, findings }) =>
                markup`<tr>
                  <th scope="row"><code>${id}</code></th>
                  <td>${title}</td>
                  <td class="number">${findings}</td>
                </tr>`,
            )}
          </tbody>
        </table>
      </div>
    </details>
  </section>`;
}
