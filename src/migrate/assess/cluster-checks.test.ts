import assert from "node:assert/strict";
import { join } from "node:path";
import test from "node:test";
import { readManifests } from "../cluster/read-manifests.ts";
import type { ClusterCheck } from "./check.ts";
import { clusterChecks } from "./cluster-checks.ts";
import type { Finding } from "./finding.ts";
import { readdir, mkdir, copyFile } from "node:fs/promises";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";

const fixtures = join(import.meta.dirname, "../../../test/fixtures/assess/cluster");
const call = { signal: new AbortController().signal };
const aim = { targetMinor: 36 };

for (const check of clusterChecks) {
  test(`${check.id}: its fixture triggers it, the other does not`, async () => {
    const findings = await findingsOf(check, "triggers");
    assert.notDeepEqual(findings, [], `${check.id}: triggers.yaml finds nothing`);
    for (const finding of findings) assertComplete(finding);
    assert.deepEqual(await findingsOf(check, "passes"), []);
  });
}

test("every fixture belongs to a check, every check has its own name", async () => {
  const ids = clusterChecks.map(({ id }) => id).toSorted();
  assert.deepEqual((await readdir(fixtures)).toSorted(), ids);
  assert.equal(new Set(ids).size, ids.length);
});

/** Reads one of a check's two fixtures alone. */
async function findingsOf(check: ClusterCheck, which: "triggers" | "passes"): Promise<Finding[]> {
  await using directory = await temporaryDirectory("assess");
  const own = join(directory.path, "manifests");
  await mkdir(own);
  await copyFile(join(fixtures, check.id, `${which}.yaml`), join(own, `${which}.yaml`));
  const facts = await readManifests(call, { directory: own, progress() {} });
  assert.deepEqual(facts.missing, []);
  return [...check.find(facts, aim)];
}

function assertComplete({ check, title, why, evidence, fix }: Finding): void {
  assert.notEqual(evidence.length, 0, `${check}: ${title}: no evidence`);
  assert.match(title, /^[a-z]/, title);
  assert.match(why, /\.$/, `${check}: why is no sentence: ${why}`);
  assert.match(fix.summary, /\.$/, `${check}: fix is no sentence: ${fix.summary}`);
}
