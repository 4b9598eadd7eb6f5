import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { after, before } from "node:test";
import { htmlReport } from "#migrate/report/html-report.ts";
import { openBrowser, type BrowserPage } from "#test/support/browser.ts";
import { findBinary } from "#test/support/require.ts";
import { sampleReport } from "#test/support/sample-report.ts";

const skip = findBinary("chromium") === undefined ? "needs chromium on PATH" : false;

let directory = "";
let page: BrowserPage;

before(async () => {
  if (skip !== false) return;
  directory = await mkdtemp(join(tmpdir(), "ferry-page-"));
  await writeFile(join(directory, "report.html"), htmlReport(sampleReport()));
  page = await openBrowser();
});

after(async () => {
  if (skip !== false) return;
  await page[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

async function open(width: number): Promise<void> {
  await page.resize(width, 900);
  await page.go(`file://${directory}/report.html`);
}

const shown =
  "[...document.querySelectorAll('details.finding')].filter((one) => !one.hidden).map((one) => one.dataset.severity)";

test("the page opens without a complaint, and names that look like markup stay text", { skip }, async () => {
  await open(1200);
  assert.deepEqual(page.complaints, []);
  assert.equal(await page.evaluate("document.title"), "What depends on Docker: shop");
  assert.equal(await page.evaluate("document.querySelectorAll('script').length"), 1);
  assert.equal(await page.evaluate("document.querySelectorAll('img, a[href^=javascript]').length"), 0);
  assert.deepEqual(await page.evaluate(shown), ["blocker", "high", "medium", "low"]);
  const script = "[...document.querySelectorAll('summary')].some((one) => one.textContent.includes('<script>'))";
  assert.equal(await page.evaluate(script), true);
});

test("everything can be reached and used by keyboard", { skip }, async () => {
  await open(1200);
  const stops: string[] = [];
  for (let at = 0; at < 20; at++) {
    await page.press("Tab");
    stops.push(
      await page.evaluate(
        "document.activeElement.className || document.activeElement.id || document.activeElement.localName",
      ),
    );
  }
  assert.deepEqual(
    stops.slice(0, 12),
    [
      "skip",
      "tile blocker",
      "summary",
      "input",
      "input",
      "input",
      "input",
      "search",
      "open",
      "clear",
      "summary",
      "summary",
    ].map((name) => (name === "open" || name === "clear" ? "plain" : name)),
  );
  await page.evaluate("document.querySelector('.tile').focus()");
  await page.press("ArrowRight");
  assert.equal(await page.evaluate("document.activeElement.dataset.node"), "node-02");
  await page.press("Enter");
  assert.deepEqual(await page.evaluate(shown), []);
  assert.match(await page.evaluate("document.getElementById('status').textContent"), /0 of 4 findings on node-02/);
  await page.press("Enter");
  await page.evaluate("document.querySelector('input[value=high]').focus()");
  await page.press(" ");
  assert.deepEqual(await page.evaluate(shown), ["blocker", "medium", "low"]);
  await page.evaluate("document.querySelector('details.finding summary').focus()");
  await page.press("Enter");
  assert.equal(await page.evaluate("document.querySelector('details.finding').open"), true);
  assert.deepEqual(page.complaints, []);
});

test("at 400 pixels nothing sticks out, and text is large enough to read", { skip }, async () => {
  await open(400);
  await page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })");
  assert.equal(await page.evaluate("document.documentElement.scrollWidth"), 400);
  const smallest = await page.evaluate<number>(
    "Math.min(...[...document.querySelectorAll('body *')].filter((one) => one.offsetParent && one.children.length === 0 && one.textContent.trim()).map((one) => parseFloat(getComputedStyle(one).fontSize)))",
  );
  assert.ok(smallest >= 12, `${smallest} px`);
});
