import assert from "node:assert/strict";
import { join } from "node:path";
import test from "node:test";
import { openApplyBed } from "#test/support/apply-bed.ts";
import { sendStatus, TestApiServer, type ApiRequestInfo } from "#test/support/kubernetes/api-server.ts";
import { planOutages } from "#test/support/kubernetes/outages.ts";
import { serveWrites } from "#test/support/kubernetes/writes.ts";
import { requireRoot } from "#test/support/require.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import type { Step } from "../plan/step.ts";
import { readState } from "./migration-run.ts";

const node = "n1";
const place = { apiVersion: "v1", resource: "nodes", name: node };
const key = "kubeadm.alpha.kubernetes.io/cri-socket";
const socket = "/var/run/dockershim.sock";
const words = { title: "Step", why: "for a test" };
const steps: readonly Step[] = [
  { ...words, id: "06-cordon", kind: "cordon", node },
  { ...words, id: "07-annotate", kind: "annotate-node", node, key, value: "unix:///run/containerd/containerd.sock" },
  { ...words, id: "08-uncordon", kind: "uncordon", node },
];
/** So that no test waits for minutes; long enough for a server that is there. */
const apiTimeoutMs = 1_000;

test("an API server that stays away keeps no node from going back; what is left over is told, and ends later", async (t) => {
  if (!requireRoot(t)) return;
  await using bed = await openBed();
  const [files, before] = [await bed.listing(), bed.node()];
  const back = Promise.withResolvers<void>();
  let changes = 0;
  const secondChange = { name: "annotate", is: ({ method }: ApiRequestInfo) => method === "PATCH" && ++changes === 2 };
  planOutages(bed.api, [{ ...secondChange, until: back.promise }]);
  const failed = await bed.start("apply", 0, apiTimeoutMs);
  assert.match(
    failed.stderr,
    /step 07-annotate: api server http:.*ECONNREFUSED.* \(for \d+ s; --api-timeout waits longer\)/,
  );
  const again = await bed.start("rollback", 0, apiTimeoutMs);
  for (const { code, stderr } of [failed, again]) {
    assert.equal(code, 1);
    assert.match(
      stderr,
      /step 07-annotate: not taken back: api server .*\nstep 06-cordon: not taken back: api server /,
    );
    assert.match(stderr, /the node itself is as it was: call rollback again once the API server answers/);
    assert.match(
      stderr,
      /^ {2}kubectl annotate node n1 --overwrite kubeadm.alpha.kubernetes.io\/cri-socket=\/var\/run\/dockershim.sock\n {2}kubectl uncordon n1$/m,
    );
  }
  assert.deepEqual(await bed.listing(), files);
  back.resolve();
  await bed.run("rollback");
  assert.deepEqual(bed.node(), before);
  assert.deepEqual(await bed.listing(), files);
  const records = (await readState(bed.directory)).map((record) => ("step" in record ? record.step : record.t));
  assert.deepEqual(records.slice(-4), ["settled", "07-annotate", "06-cordon", "back"]);
});

test("a cordon that was taken back stays so, whatever came of the uncordon's own way back", async (t) => {
  if (!requireRoot(t)) return;
  await using bed = await openBed();
  const before = bed.node();
  await bed.run("apply");
  let refused = 0;
  bed.api.handlers.push((_request, response) => {
    if (refused++ > 0) return false;
    sendStatus(response, 403, "Forbidden", "not now");
    return true;
  });
  const { code, stdout } = await bed.start("rollback");
  assert.equal(code, 0);
  assert.match(stdout, /step 08-uncordon: not taken back yet: .*not now/);
  assert.deepEqual(bed.node(), before);
});

test("a Node that was deleted meanwhile has nothing to put back", async (t) => {
  if (!requireRoot(t)) return;
  await using bed = await openBed();
  const files = await bed.listing();
  await bed.run("apply");
  bed.api.store.remove(place);
  await bed.run("rollback");
  assert.deepEqual(await bed.listing(), files);
});

/** A host root, and its Node on an API server. */
async function openBed() {
  await using undo = new AsyncDisposableStack();
  const own = undo.use(await temporaryDirectory("api-away"));
  const api = undo.use(await TestApiServer.start());
  serveWrites(api);
  api.store.put("nodes", {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: node, annotations: { [key]: socket } },
    spec: {},
  });
  const kubeconfig = await api.writeKubeconfig(join(own.path, "kubeconfig"));
  const bed = undo.use(await openApplyBed({ more: steps, kubeconfig }));
  const owned = undo.move();
  const marks = () => {
    const object = api.store.find(place);
    return { annotations: object?.metadata["annotations"], spec: object?.["spec"] };
  };
  return { ...bed, api, node: marks, [Symbol.asyncDispose]: async () => await owned.disposeAsync() };
}
