import assert from "node:assert/strict";
import { copyFile, mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { KubernetesClient } from "#clients/kubernetes/kubernetes-client.ts";
import { loadConnection } from "#clients/kubernetes/load-connection.ts";
import { assertFix } from "#test/support/assert-fix.ts";
import { TestApiServer } from "#test/support/kubernetes/api-server.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import type { ClusterFacts } from "../cluster/cluster-facts.ts";
import { readApi } from "../cluster/read-api.ts";
import { readManifests } from "../cluster/read-manifests.ts";
import type { ClusterCheck } from "./check.ts";
import { clusterChecks } from "./cluster-checks.ts";
import { criSocketAnnotation } from "./cluster/kubelet-settings.ts";
import { severities, type Finding } from "./finding.ts";

const fixtures = join(import.meta.dirname, "../../../test/fixtures/assess/cluster");
const call = { signal: new AbortController().signal };
const aim = { targetMinor: 36 };

for (const check of clusterChecks) {
  test(`${check.id}: its fixture triggers it, the other does not`, async () => {
    const findings = await findingsOf(check, "triggers");
    assert.notDeepEqual(findings, [], `${check.id}: its triggers find nothing`);
    for (const finding of findings) assertComplete(check, finding);
    for (const { fix } of findings) await assertFix(fix);
    const worst = severities.find((severity) => findings.some((one) => one.severity === severity));
    assert.equal(worst, check.severity, "a check's severity is that of its worst finding");
    assert.deepEqual(await findingsOf(check, "passes"), []);
  });
}

test("every fixture belongs to a check, every check has its own name", async () => {
  const ids = clusterChecks.map(({ id }) => id).toSorted();
  assert.deepEqual((await readdir(fixtures)).toSorted(), ids);
  assert.equal(new Set(ids).size, ids.length);
});

test("every part of every fixture triggers: objects that find nothing prove nothing", async () => {
  const quiet: string[] = [];
  for (const check of clusterChecks) {
    const facts = await factsOf(check.id, "triggers");
    const found = JSON.stringify([...check.find(facts, aim)]);
    const named = [...facts.workloads.map(({ ref }) => ref), ...facts.texts.flatMap(({ ref }) => ref ?? [])];
    quiet.push(
      ...named.filter(({ name }) => !found.includes(name)).map(({ kind, name }) => `${check.id}: ${kind} ${name}`),
    );
  }
  assert.deepEqual(quiet, []);
});

test("a node's annotation is to name the socket of the runtime that it says it has", async () => {
  const findings = [...criSocketAnnotation.find(await factsOf("cri-socket-annotation", "triggers"), aim)];
  const commands = findings.flatMap(({ fix }) => fix.commands ?? []);
  const sockets = commands.map((command) => command.replace(/^kubectl annotate node (\S+) .*=/, "$1 "));
  assert.deepEqual(sockets.sort(), [
    "n1 SOCKET",
    "n2 unix:///run/containerd/containerd.sock",
    "n3 unix:///run/containerd/containerd.sock",
  ]);
});

async function findingsOf(check: ClusterCheck, which: "triggers" | "passes"): Promise<Finding[]> {
  return [...check.find(await factsOf(check.id, which), aim)];
}

/** Reads one of a check's two fixtures alone: manifests, or an API server's answers. */
async function factsOf(id: string, which: "triggers" | "passes"): Promise<ClusterFacts> {
  const names = await readdir(join(fixtures, id));
  if (names.includes(`${which}.http`)) return await factsOfAnswers(join(fixtures, id, `${which}.http`));
  await using directory = await temporaryDirectory("assess");
  const own = join(directory.path, "manifests");
  await mkdir(own);
  await copyFile(join(fixtures, id, `${which}.yaml`), join(own, `${which}.yaml`));
  const facts = await readManifests(call, { path: own, progress() {} });
  assert.deepEqual(facts.missing, []);
  return facts;
}

/** A line `== /path` begins an answer, its text follows; all else is not found. */
async function factsOfAnswers(path: string): Promise<ClusterFacts> {
  const sections = (await readFile(path, "utf8")).split(/^== (\S+)\n/m);
  const answers = new Map(
    sections.flatMap((text, at) => (at % 2 === 1 ? [[text, sections[at + 1] ?? ""] as const] : [])),
  );
  await using server = await TestApiServer.start();
  server.handlers.push((request, response) => {
    const answer = answers.get(request.path);
    if (answer !== undefined) response.end(answer);
    return answer !== undefined;
  });
  await using directory = await temporaryDirectory("assess");
  const kubeconfig = await server.writeKubeconfig(join(directory.path, "config"));
  using client = new KubernetesClient(await loadConnection({ kubeconfig, env: {} }));
  return await readApi(call, { client, progress() {}, askKubelets: true });
}

function assertComplete({ id }: ClusterCheck, { check, title, why, evidence, fix }: Finding): void {
  assert.equal(check, id);
  assert.notEqual(evidence.length, 0, `${check}: ${title}: no evidence`);
  assert.match(title, /^[a-z\d]/, title);
  assert.match(why, /\.$/, `${check}: why is no sentence: ${why}`);
  assert.match(fix.summary, /\.$/, `${check}: fix is no sentence: ${fix.summary}`);
}
