import assert from "node:assert/strict";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import test from "node:test";
import { ProcessRuntime } from "#surfaces/cri/streaming/process-runtime.fixture.ts";
import { wanted } from "#surfaces/cri/streaming/streaming-bed.fixture.ts";
import { StreamingServer } from "#surfaces/cri/streaming/streaming-server.ts";
import { testCall } from "#test/support/call.ts";
import { makeCa } from "#test/support/certificates.ts";
import { fails } from "#test/support/fails.ts";
import { sendStatus, TestApiServer } from "#test/support/kubernetes/api-server.ts";
import { proxyUpgrade, refuse } from "#test/support/kubernetes/upgrades.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { KubernetesClient } from "./kubernetes-client.ts";
import { loadConnection } from "./load-connection.ts";
import { echoFromPod, execInPod } from "./pod-streams.ts";

const call = { signal: new AbortController().signal };
const pod = { namespace: "a b", name: "p" };

test("exec: both outputs and the exit code, over TLS with a token", async () => {
  await using bed = await openBed();
  assert.deepEqual(await execInPod(call, bed.client, pod, ["sh", "-c", "echo out; echo err >&2; exit 7"]), {
    exitCode: 7,
    stdout: "out\n",
    stderr: "err\n",
  });
  assert.equal((await execInPod(call, bed.client, pod, ["true"])).exitCode, 0);
  const long = await execInPod(call, bed.client, pod, ["head", "-c", "500000", "/dev/zero"]);
  assert.equal(long.stdout.length, 500_000);
});

test("exec: what does not come about is told in the runtime's words", async () => {
  await using bed = await openBed();
  await fails("internal", execInPod(call, bed.client, pod, ["/no/such/command"]), /pod a b\/p: .*ENOENT/);
});

test("exec: more output than anybody wants ends it", async () => {
  await using bed = await openBed();
  await fails("outOfRange", execInPod(call, bed.client, pod, ["cat", "/dev/zero"]), /more than 1048576 bytes/);
});

test("a refusal keeps its kind and text, whoever says no", async () => {
  await using bed = await openBed();
  bed.server.upgrades.length = 0;
  bed.server.handlers.push((_request, response) => {
    sendStatus(response, 403, "Forbidden", 'pods "p" is forbidden: User "x" cannot create resource "pods/exec"');
    return true;
  });
  await fails("permissionDenied", execInPod(call, bed.client, pod, ["true"]), /cannot create resource "pods\/exec"/);
  bed.server.upgrades.push((_request, socket) => {
    refuse(socket, "container not found");
    return true;
  });
  await fails("unavailable", execInPod(call, bed.client, pod, ["true"]), /container not found/);
});

test("a stream that is silent ends with its call, one that breaks off with its connection", async () => {
  await using bed = await openBed();
  const end = new AbortController();
  const running = execInPod({ signal: end.signal }, bed.client, pod, ["sh", "-c", "echo $$; sleep 600"]);
  setTimeout(() => end.abort(), 50);
  await fails("canceled", running);
  await fails("canceled", execInPod({ signal: AbortSignal.abort() }, bed.client, pod, ["true"]));
  bed.server.upgrades.unshift((_request, socket) => {
    socket.destroy();
    return true;
  });
  await fails("unavailable", execInPod(call, bed.client, pod, ["true"]), /api server/);
});

test("port-forward: bytes go there and back; where nobody listens is told", async () => {
  await using bed = await openBed();
  const server = createServer((socket) => socket.pipe(socket));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const bytes = Buffer.alloc(100_000, "0123456789");
  assert.ok((await echoFromPod(call, bed.client, pod, { port, bytes })).equals(bytes));
  await new Promise((resolve) => server.close(resolve));
  await fails(
    "internal",
    echoFromPod(call, bed.client, pod, { port, bytes }),
    /port \d+ of pod a b\/p: .*ECONNREFUSED/,
  );
});

/** An API server that hands streams on to a runtime's streaming server, as it does through the kubelet. */
async function openBed() {
  await using undo = new AsyncDisposableStack();
  const { path } = undo.use(await temporaryDirectory("streams"));
  const streams = undo.use(await StreamingServer.open(testCall(), new ProcessRuntime()));
  const ca = await makeCa(path);
  const { cert, key } = await ca.issue("server");
  const server = undo.use(await TestApiServer.start({ token: "s3cret", tls: { cert, key, ca: ca.ca.cert } }));
  serveStreams(server, streams);
  const kubeconfig = await server.writeKubeconfig(join(path, "config"));
  const client = undo.use(new KubernetesClient(await loadConnection({ kubeconfig, env: {} })));
  const owned = undo.move();
  return { server, client, [Symbol.asyncDispose]: async () => await owned.disposeAsync() };
}

function serveStreams(server: TestApiServer, streams: StreamingServer): void {
  server.upgrades.push(({ target, query, message }, socket) => {
    assert.deepEqual([target?.namespace, target?.name], [pod.namespace, pod.name]);
    const ports = query.getAll("ports").map(Number);
    const url =
      target?.subresource === "exec"
        ? streams.getExec({ containerId: "c", args: query.getAll("command"), ...wanted("oe") })
        : streams.getPortForward({ podSandboxId: "s", ports });
    proxyUpgrade(message, socket, new URL(url));
    return true;
  });
}
