import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { assertFix } from "#test/support/assert-fix.ts";
import { scriptedHost } from "#test/support/scripted-host.ts";
import { surveyHost } from "../survey/survey-host.ts";
import type { HostSurvey } from "../survey/host-survey.ts";
import type { NodeCheck } from "./check.ts";
import { severities, type Finding } from "./finding.ts";
import { nodeChecks } from "./node-checks.ts";

const fixtures = join(import.meta.dirname, "../../../test/fixtures/assess/node");
const call = { signal: new AbortController().signal };
const aim = { targetMinor: 36 };

/** What makes any fixture a node; its own files come on top. */
const base = `
== /etc/hostname
worker-1
== /lib/systemd/system/kubelet.service
[Service]
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
ExecStart=/usr/bin/kubelet $KUBELET_KUBEADM_ARGS
== /var/lib/dpkg/status
Package: kubelet
Status: install ok installed
Version: 1.23.17-00
`;

for (const check of nodeChecks) {
  test(`${check.id}: its fixture triggers it, the other does not`, async () => {
    const findings = [...check.find(await surveyOf(check, "triggers"), aim)];
    assert.notDeepEqual(findings, [], `${check.id}: its triggers find nothing`);
    for (const finding of findings) assertComplete(check, finding);
    for (const { fix } of findings) await assertFix(fix);
    const worst = severities.find((severity) => findings.some((one) => one.severity === severity));
    assert.equal(worst, check.severity, "a check's severity is that of its worst finding");
    assert.deepEqual([...check.find(await surveyOf(check, "passes"), aim)], []);
  });
}

test("every fixture belongs to a check, every check has its own name", async () => {
  const ids = nodeChecks.map(({ id }) => id).toSorted();
  assert.deepEqual((await readdir(fixtures)).toSorted(), ids);
  assert.equal(new Set(ids).size, ids.length);
});

async function surveyOf({ id }: NodeCheck, which: "triggers" | "passes"): Promise<HostSurvey> {
  await using host = await scriptedHost(join(fixtures, id, `${which}.txt`), base);
  const survey = await surveyHost(call, { root: host.root, running: host.running, progress() {} });
  assert.deepEqual(survey.missing, []);
  return survey;
}

function assertComplete({ id }: NodeCheck, { check, title, why, evidence, fix }: Finding): void {
  assert.equal(check, id);
  assert.notEqual(evidence.length, 0, `${check}: ${title}: no evidence`);
  assert.match(title, /^node worker-1: /, title);
  assert.match(why, /\.$/, `${check}: why is no sentence: ${why}`);
  assert.match(fix.summary, /\.$/, `${check}: fix is no sentence: ${fix.summary}`);
}
