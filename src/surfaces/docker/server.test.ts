import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { promisify } from "node:util";
import { silentLogger, type LogFields, type Logger } from "#base/logger.ts";
import { parseNamespace } from "#core/call.ts";
import type { Engine } from "#engine/engine.ts";
import { EventBus } from "#core/events/event-bus.ts";
import { eventuallyEqual } from "#test/support/eventually.ts";
import { openImageBed } from "#test/support/image-engine.ts";
import { fixtureImage } from "#test/support/image-fixture.ts";
import { TestRegistry } from "#test/support/registry.ts";
import { maxApi, minApi } from "./api-version.ts";
import { openDockerServer } from "./server.ts";

const moby = parseNamespace("moby");

type Asking = { readonly body?: string; readonly headers?: Readonly<Record<string, string>> };
type Reply = { status: number; body: string; headers: Record<string, unknown> };

async function ask(
  socketPath: string,
  method: string,
  path: string,
  { body, headers: more = {} }: Asking = {},
): Promise<Reply> {
  const { promise, resolve, reject } = Promise.withResolvers<Reply>();
  const headers = { ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...more };
  const sent = request({ socketPath, method, path, headers }, (response) => {
    const chunks: Buffer[] = [];
    response.on("data", (chunk: Buffer) => chunks.push(chunk));
    response.on("end", () => {
      resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString(), headers: response.headers });
    });
  });
  sent.on("error", reject);
  sent.end(body);
  return await promise;
}

async function openServer(engine: Partial<Engine> = {}, log: Logger = silentLogger) {
  const directory = await mkdtemp(join(tmpdir(), "ferry-docker-"));
  const socketPath = join(directory, "docker.sock");
  const call = { signal: new AbortController().signal, log, namespace: moby };
  // The routes asked for here use no more of an engine than this.
  const partial = { settings: { rootDirectory: directory }, ...engine } as Engine;
  const server = await openDockerServer(call, partial, { socketPath, version: "0.1.0", namespace: moby });
  return {
    socketPath,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await rm(directory, { recursive: true });
    },
  };
}

test("negotiates versions as Docker does", async () => {
  await using server = await openServer();
  const answers = await Promise.all(
    [`/v1.${minApi}/_ping`, "/_ping", `/v1.${minApi - 1}/_ping`, `/v1.${maxApi + 1}/_ping`, "/v2.0/_ping"].map(
      async (path) => ask(server.socketPath, "GET", path),
    ),
  );
  assert.deepEqual(
    answers.map(({ status, body }) => [status, body]),
    [
      [200, "OK"],
      [200, "OK"],
      [
        400,
        `{"message":"client version 1.40 is too old. Minimum supported API version is 1.41, please upgrade your client to a newer version"}`,
      ],
      [400, `{"message":"client version 1.56 is too new. Maximum supported API version is 1.55"}`],
      [400, `{"message":"client version 2.0 is too new. Maximum supported API version is 1.55"}`],
    ],
  );
  for (const { headers } of answers) {
    assert.equal(headers["api-version"], `1.${maxApi}`);
    assert.equal(headers["ostype"], "linux");
    assert.equal(headers["docker-experimental"], "false");
    assert.match(String(headers["server"]), /^Ferry\/0\.1\.0/);
  }
});

test("the socket is the owner's and the group's", async () => {
  await using server = await openServer();
  const { mode, uid } = await stat(server.socketPath);
  assert.equal((mode & 0o777).toString(8), "660");
  assert.equal(uid, 0);
});

test("unknown routes answer 404, known ones that are not there 501 with their name", async () => {
  await using server = await openServer();
  const cases = [
    ["GET", "/nowhere", 404, "page not found"],
    ["DELETE", "/_ping", 404, "page not found"],
    ["GET", "/v1.44/swarm", 501, "GET /swarm: not implemented"],
    ["GET", "/containers/web/attach/ws", 501, "GET /containers/{name}/attach/ws: not implemented"],
    ["POST", "/build?t=x", 501, "POST /build: not implemented"],
    ["GET", "/distribution/quay.io/x/y/json", 501, "GET /distribution/{name}/json: not implemented"],
  ] as const;
  for (const [method, path, status, message] of cases) {
    const answer = await ask(server.socketPath, method, path);
    assert.deepEqual([answer.status, JSON.parse(answer.body)], [status, { message }], `${method} ${path}`);
    assert.equal(answer.headers["content-type"], "application/json");
  }
});

test("refuses a body that is no JSON, and one that is too long", async () => {
  await using server = await openServer();
  const malformed = await ask(server.socketPath, "POST", "/auth", { body: "{" });
  assert.equal(malformed.status, 400);
  assert.match(malformed.body, /^{"message":"invalid JSON: /);
  const wrongType = await ask(server.socketPath, "POST", "/auth", { body: `{"username":7}` });
  assert.deepEqual([wrongType.status, wrongType.body], [400, `{"message":"invalid JSON: username: is not a string"}`]);
  const long = await ask(server.socketPath, "POST", "/auth", {
    body: `{"username":"${"x".repeat(17 * 1024 * 1024)}"}`,
  });
  assert.deepEqual([long.status, long.body], [400, `{"message":"request body: larger than 16777216 bytes"}`]);
});

test("no credential of a request reaches the log, at any level", async () => {
  const lines: string[] = [];
  const at = (fields: LogFields, message: string) => void lines.push(JSON.stringify(fields) + message);
  const log: Logger = { debug: at, info: at, warn: at, error: at, child: (fields) => (at(fields, ""), log) };
  await using server = await openServer({}, log);
  const auth = Buffer.from(JSON.stringify({ username: "me", password: "hunter2" })).toString("base64url");
  const headers = { "X-Registry-Auth": auth, "X-Registry-Config": auth, Authorization: `Basic ${auth}` };
  const secret = `{"username":"me","password":"hunter2"`;
  const requests = [
    ["POST", "/auth", { body: secret, headers }],
    ["POST", "/auth", { body: `${secret},"serveraddress":7}`, headers }],
    ["POST", "/auth", { body: `{"password":hunter2}`, headers }],
    ["POST", "/images/create?fromImage=https://me:hunter2@registry.example/x&tag=y", { headers }],
    ["POST", "/images/create?fromSrc=https://me:hunter2@registry.example/x", { headers }],
    ["POST", "/images/me:hunter2@registry.example/push", { headers }],
    ["POST", "/containers/create?token=hunter2", { body: secret, headers }],
  ] as const;
  for (const [method, path, asking] of requests) {
    const { status } = await ask(server.socketPath, method, path, asking);
    assert.ok(status >= 400, path);
  }
  assert.ok(lines.length >= requests.length);
  assert.doesNotMatch(lines.join("\n"), new RegExp(`hunter2|${auth}`));
});

test("a client that goes away leaves no subscription behind", async () => {
  const events = new EventBus();
  await using server = await openServer({ events });
  const { promise, resolve } = Promise.withResolvers<string>();
  const sent = request({ socketPath: server.socketPath, path: "/v1.41/events" }, (response) => {
    response.once("data", (chunk: Buffer) => resolve(chunk.toString()));
    response.on("error", () => {});
    events.publish({ namespace: moby, type: "container", action: "start", actorId: "c1", attributes: { image: "x" } });
  });
  sent.on("error", () => {});
  sent.end();
  const message = JSON.parse(await promise) as Record<string, unknown>;
  assert.deepEqual([message["status"], message["id"], message["from"]], ["start", "c1", "x"]);
  sent.destroy();
  await eventuallyEqual(() => events.subscriberCount, 0);
});

test("the docker command negotiates and reads version", async (t) => {
  await using server = await openServer({ runtime: { defaultHandler: "crun", features: () => [] } as never });
  const run = promisify(execFile);
  const env = { ...process.env, DOCKER_HOST: `unix://${server.socketPath}` };
  const format = "{{.Server.Version}} {{.Server.APIVersion}}";
  const found = await run("docker", ["version", "--format", format], { env }).catch((error: unknown) => error);
  if (found instanceof Error && "code" in found && found.code === "ENOENT") return t.skip("no docker command");
  assert.ok(!(found instanceof Error), String(found));
  assert.match((found as { stdout: string }).stdout, /^0\.1\.0 1\.55/);
});

test("a stranger's pull that is refused is a 404 in Docker's words; a wrong password is not", async () => {
  const auth = { t: "basic", username: "me", password: "right" } as const;
  await using registry = await TestRegistry.start({ auth });
  await using bed = await openImageBed();
  await using server = await openServer(bed.engine);
  const reference = registry.add("secret", "1", await fixtureImage({ layers: [{ a: "b" }] }));
  const path = `/v1.41/images/create?fromImage=${encodeURIComponent(reference)}`;
  const refused = await ask(server.socketPath, "POST", path);
  assert.equal(refused.status, 404);
  const text = `pull access denied for ${registry.host}/secret, repository does not exist or may require 'docker login'`;
  assert.ok(refused.body.includes(text), refused.body);
  const header = Buffer.from(JSON.stringify({ username: "me", password: "wrong" })).toString("base64url");
  const wrong = await ask(server.socketPath, "POST", path, { headers: { "X-Registry-Auth": header } });
  assert.equal(wrong.status, 401);
});
