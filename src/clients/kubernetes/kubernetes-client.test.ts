import assert from "node:assert/strict";
import { chmod, writeFile } from "node:fs/promises";
import { once } from "node:events";
import { createServer } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { join } from "node:path";
import test from "node:test";
import { makeCa } from "#test/support/certificates.ts";
import { fails } from "#test/support/fails.ts";
import { sendJson, sendStatus, TestApiServer } from "#test/support/kubernetes/api-server.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { KubernetesApiError } from "./api-error.ts";
import { KubernetesClient } from "./kubernetes-client.ts";
import { loadConnection } from "./load-connection.ts";

const call = { signal: new AbortController().signal };

/** A server, a kubeconfig to it and a client by that kubeconfig. */
async function openBed(options: { token?: string; tls?: boolean } = {}) {
  const stack = new AsyncDisposableStack();
  const directory = stack.use(await temporaryDirectory("kube"));
  let tls: { cert: string; key: string; ca: string } | undefined;
  if (options.tls === true) {
    const ca = await makeCa(directory.path);
    const { cert, key } = await ca.issue("server");
    tls = { cert, key, ca: ca.ca.cert };
  }
  const { token } = options;
  const server = stack.use(
    await TestApiServer.start({ ...(token === undefined ? {} : { token }), ...(tls === undefined ? {} : { tls }) }),
  );
  const kubeconfig = await server.writeKubeconfig(join(directory.path, "config"));
  const client = stack.use(new KubernetesClient(await loadConnection({ kubeconfig, env: {} })));
  return { server, client, directory: directory.path, [Symbol.asyncDispose]: async () => await stack.disposeAsync() };
}

function pod(name: string, padding = 0) {
  return { apiVersion: "v1", kind: "Pod", metadata: { name, namespace: "a" }, spec: { note: "x".repeat(padding) } };
}

async function namesOf(client: KubernetesClient, limit: number): Promise<string[]> {
  const names: string[] = [];
  for await (const { items } of client.list(call, "/api/v1/pods", { limit })) {
    for (const { metadata } of items) names.push((metadata as { name: string }).name);
  }
  return names;
}

test("a list comes in pages, over TLS with a token, gzip'd when large", async () => {
  await using bed = await openBed({ tls: true, token: "s3cret" });
  for (let at = 0; at < 25; at++) bed.server.store.put("pods", pod(`p${at}`, 20_000));
  assert.equal((await namesOf(bed.client, 10)).length, 25);
  assert.deepEqual(bed.server.requests, [
    "GET /api/v1/pods?limit=10",
    "GET /api/v1/pods?limit=10&continue=c1",
    "GET /api/v1/pods?limit=10&continue=c2",
  ]);
});

test("an expired continuation goes on with the one that the server offers", async () => {
  await using bed = await openBed();
  for (let at = 0; at < 4; at++) bed.server.store.put("pods", pod(`p${at}`));
  let expired = false;
  bed.server.handlers.push(({ query }, response) => {
    if (expired || !query.has("continue")) return false;
    expired = true;
    const { metadata } = bed.server.store.list(
      { apiVersion: "v1", resource: "pods" },
      new URLSearchParams("limit=2"),
    ) as {
      metadata: object;
    };
    sendStatus(response, 410, "Expired", "too old", { metadata });
    return true;
  });
  assert.deepEqual(await namesOf(bed.client, 2), ["p0", "p1", "p2", "p3"]);
});

test("what a server forbids in the moment after it has come back is asked again; at any other time it is final", async () => {
  await using bed = await openBed();
  bed.server.store.put("pods", pod("p"));
  const path = "/api/v1/namespaces/a/pods/p";
  let refusals = 1;
  bed.server.handlers.push((_request, response) => {
    if (refusals-- <= 0) return false;
    sendStatus(response, 403, "Forbidden", "pods is forbidden");
    return true;
  });
  await fails("permissionDenied", bed.client.get(call, path), /pods is forbidden/);
  await bed.server.goAway();
  await fails("unavailable", bed.client.get(call, path), /ECONNREFUSED/);
  await bed.server.comeBack();
  refusals = 1;
  assert.equal((await bed.client.get(call, path)).kind, "Pod");
  refusals = 1;
  await fails("unavailable", bed.client.patch(call, path, "merge", {}), /forbidden \(the server has just come back\)/);
});

test("reads are repeated after 429 and 503, a refused eviction is not", async () => {
  await using bed = await openBed();
  bed.server.store.put("pods", pod("p"));
  const refusals = [429, 503];
  bed.server.handlers.push(({ method }, response) => {
    const status = method === "POST" ? 429 : refusals.shift();
    if (status === undefined) return false;
    response.setHeader("retry-after", "0");
    sendStatus(response, status, "TooManyRequests", "wait", { details: { causes: [{ reason: "DisruptionBudget" }] } });
    return true;
  });
  assert.equal((await bed.client.get(call, "/api/v1/namespaces/a/pods/p"))["kind"], "Pod");
  const evicted = bed.client.evict(call, { namespace: "a", name: "p" });
  await assert.rejects(evicted, (error) => error instanceof KubernetesApiError && error.status === 429);
  assert.equal(bed.server.requests.filter((line) => line.startsWith("POST")).length, 1);
});

test("a refusal has the server's words; an absent object can be asked for", async () => {
  await using bed = await openBed({ token: "right" });
  assert.equal(await bed.client.find(call, "/api/v1/nodes/none"), undefined);
  await fails("notFound", bed.client.get(call, "/api/v1/nodes/none"), /nodes "none" not found/);
});

test("a watch yields changes, ends with the server, and tells a version too old", async () => {
  await using bed = await openBed();
  const lines = [
    { type: "ADDED", object: pod("one") },
    { type: "BOOKMARK", object: pod("mark") },
    { type: "ERROR", object: { kind: "Status", code: 410, reason: "Expired", message: "too old" } },
  ];
  bed.server.handlers.push((_, response) => {
    const text = lines.map((line) => JSON.stringify(line)).join("\n");
    response.write(text.slice(0, 30));
    setImmediate(() => response.end(`${text.slice(30)}\n`));
    return true;
  });
  const seen: string[] = [];
  const watching = (async () => {
    for await (const { type } of bed.client.watch(call, "/api/v1/pods", { resourceVersion: "5" })) seen.push(type);
  })();
  await assert.rejects(watching, (error) => error instanceof KubernetesApiError && error.status === 410);
  assert.deepEqual(seen, ["ADDED", "BOOKMARK"]);
});

test("an aborted call ends a watch that is silent", async () => {
  await using bed = await openBed();
  bed.server.handlers.push((_, response) => {
    response.writeHead(200);
    response.write("\n");
    return true;
  });
  const stop = new AbortController();
  const watch = bed.client.watch({ signal: stop.signal }, "/api/v1/pods", { resourceVersion: "5" });
  setTimeout(() => stop.abort(), 50);
  await fails("canceled", watch.next());
});

test("a server that hangs up in the middle of an answer is told as unavailable", async () => {
  await using bed = await openBed();
  bed.server.handlers.push(({ message }, response) => {
    response.writeHead(200, { "content-length": "1000" });
    response.write("{");
    setTimeout(() => message.socket.destroy(), 20);
    return true;
  });
  await fails("unavailable", bed.client.get(call, "/api/v1/nodes/n"), /broke off/);
});

test("patch, create, replace and delete send what the API takes", async () => {
  await using bed = await openBed();
  const seen: string[] = [];
  bed.server.handlers.push(async ({ method, message }, response) => {
    const body = (await Array.fromAsync(message)).join("");
    seen.push(`${method} ${message.headers["content-type"] ?? ""} ${body}`);
    sendJson(response, 200, { kind: "Status" });
    return true;
  });
  const path = "/api/v1/nodes/n";
  await bed.client.patch(call, path, "merge", { spec: { unschedulable: true } });
  await bed.client.create(call, "/api/v1/namespaces/a/pods", pod("p"));
  await bed.client.replace(call, path, { kind: "Node" });
  await bed.client.delete(call, path, { gracePeriodSeconds: 0, uid: "u1" });
  assert.deepEqual(seen, [
    'PATCH application/merge-patch+json {"spec":{"unschedulable":true}}',
    `POST application/json ${JSON.stringify(pod("p"))}`,
    'PUT application/json {"kind":"Node"}',
    'DELETE application/json {"gracePeriodSeconds":0,"preconditions":{"uid":"u1"}}',
  ]);
});

test("a credential plugin is asked once, and again when its token is refused", async () => {
  await using bed = await openBed({ token: "token-2" });
  bed.server.store.put("nodes", { apiVersion: "v1", kind: "Node", metadata: { name: "n" } });
  const plugin = join(bed.directory, "plugin.sh");
  const counter = join(bed.directory, "count");
  await writeFile(
    plugin,
    `#!/bin/sh
echo x >> ${counter}
n=$(wc -l < ${counter})
echo '{"kind":"ExecCredential","status":{"token":"token-'$n'"}}'
`,
  );
  await chmod(plugin, 0o755);
  const config = {
    "current-context": "c",
    contexts: [{ name: "c", context: { cluster: "k", user: "u" } }],
    clusters: [{ name: "k", cluster: { server: bed.server.url } }],
    users: [{ name: "u", user: { exec: { apiVersion: "client.authentication.k8s.io/v1", command: "./plugin.sh" } } }],
  };
  const path = join(bed.directory, "exec-config");
  await writeFile(path, JSON.stringify(config));
  using client = new KubernetesClient(await loadConnection({ kubeconfig: path, env: { PATH: process.env["PATH"] } }));
  await client.get(call, "/api/v1/nodes/n");
  await client.get(call, "/api/v1/nodes/n");
  assert.equal(bed.server.requests.length, 3);
});

test("impersonation, basic authentication and a proxy, as the kubeconfig says", async () => {
  await using bed = await openBed({ tls: true });
  const seen: unknown[] = [];
  bed.server.handlers.push(({ message }, response) => {
    const { headersDistinct: headers } = message;
    seen.push([headers["authorization"], headers["impersonate-user"], headers["impersonate-group"]]);
    sendJson(response, 200, { kind: "Node" });
    return true;
  });
  const tunnels: string[] = [];
  const proxy = createServer().listen(0, "127.0.0.1");
  proxy.on("connect", ({ url = "" }: { url?: string }, socket: Socket) => {
    tunnels.push(url);
    const [host, port] = url.split(":");
    const upstream = connect(Number(port), host, () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      socket.pipe(upstream).pipe(socket);
    });
  });
  try {
    await once(proxy, "listening");
    const { port } = proxy.address() as AddressInfo;
    const path = join(bed.directory, "proxied");
    const user = { username: "u", password: "p", as: "robot", "as-groups": ["a", "b"] };
    const cluster = {
      server: bed.server.url,
      "proxy-url": `http://127.0.0.1:${port}`,
      "insecure-skip-tls-verify": true,
    };
    const config = {
      "current-context": "c",
      contexts: [{ name: "c", context: { cluster: "k", user: "u" } }],
      clusters: [{ name: "k", cluster }],
      users: [{ name: "u", user }],
    };
    await writeFile(path, JSON.stringify(config));
    using client = new KubernetesClient(await loadConnection({ kubeconfig: path, env: {} }));
    await client.get(call, "/api/v1/nodes/n");
    assert.deepEqual(tunnels, [new URL(bed.server.url).host]);
    assert.deepEqual(seen, [[["Basic dTpw"], ["robot"], ["a", "b"]]]);
  } finally {
    proxy.closeAllConnections();
    proxy.close();
  }
});

const brokenKubeconfigs = [
  { text: "a: [", says: /not YAML/ },
  { text: "- 1", says: /is not an object/ },
  { text: "contexts: []", says: /no current-context/ },
  { text: "current-context: x", says: /no context "x"; there are: none/ },
  {
    text: "current-context: c\ncontexts: [{name: c, context: {cluster: k}}]\nclusters: [{name: k, cluster: {server: 'ftp://x'}}]",
    says: /is no URL/,
  },
];

test("a kubeconfig that cannot be used is told by path and reason", async () => {
  await using directory = await temporaryDirectory("kubeconfig");
  const path = join(directory.path, "config");
  for (const { text, says } of brokenKubeconfigs) {
    await writeFile(path, text);
    await fails("invalidArgument", loadConnection({ kubeconfig: path, env: {} }), says);
  }
  await fails("invalidArgument", loadConnection({ kubeconfig: "/nonexistent", env: {} }), /no such file/);
  await fails("notFound", loadConnection({ env: { HOME: directory.path } }), /none/);
});
