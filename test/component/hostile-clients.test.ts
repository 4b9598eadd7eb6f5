import assert from "node:assert/strict";
import { readdir, readlink } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import test from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { routes } from "../../src/surfaces/docker/routes.ts";
import { requireBinary, requireRoot } from "#test/support/require.ts";
import { eventually } from "#test/support/eventually.ts";
import { openTestDaemon, type TestDaemon } from "./daemon-fixture.ts";

const ready = (t: test.TestContext) => requireRoot(t) && requireBinary(t, "conmon", "crun", "docker-registry", "umoci");

/** Every route there is, `:name` replaced. */
function everyRoute(name: string): string[] {
  return routes.map(({ method, path }) => `${method} ${path.replaceAll(/:\w+/g, name)}`);
}

/** Sends bytes as they are and reads the status and what follows it; `none` where the connection ends without. */
async function exchange(daemon: TestDaemon, bytes: string | Buffer): Promise<{ status: number; text: string }> {
  const socket = connect(daemon.socketPath);
  let text = "";
  socket.setEncoding("latin1").on("data", (chunk: string) => (text += chunk));
  socket.on("error", () => {});
  socket.write(bytes);
  const answered = () => /^HTTP\/1\.1 \d{3}/.test(text) && text.includes("\r\n\r\n");
  await eventually("it is answered", () => answered() || socket.closed);
  socket.destroy();
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0), text };
}

function request(line: string, body: string | Buffer = "", headers: readonly string[] = []): Buffer {
  const all = [
    "Host: docker",
    "Content-Type: application/json",
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...headers,
  ];
  return Buffer.concat([Buffer.from(`${line} HTTP/1.1\r\n${all.join("\r\n")}\r\n\r\n`), Buffer.from(body)]);
}

async function isAlive(daemon: TestDaemon): Promise<void> {
  assert.equal((await exchange(daemon, request("GET /_ping"))).status, 200);
}

/** Sockets that this process, and so the daemon in it, has open. */
async function openSockets(): Promise<number> {
  const fds = await readdir("/proc/self/fd");
  const targets = await Promise.all(fds.map(async (fd) => await readlink(`/proc/self/fd/${fd}`).catch(() => "")));
  return targets.filter((target) => target.startsWith("socket:")).length;
}

async function provesNoneLeft(before: number): Promise<void> {
  await eventually("every connection gone", async () => (await openSockets()) <= before);
}

test("malformed requests to every route are answered with a status, and change nothing", async (t) => {
  if (!ready(t)) return;
  await using daemon = await openTestDaemon({ docker: true });
  await isAlive(daemon);
  const before = await openSockets();
  const bodies = [
    "{",
    "[]",
    '"text"',
    '{"Image":7,"Name":7,"Cmd":{},"Names":3}',
    '{"Name":"\u0000"}',
    "[".repeat(100_000),
  ];
  const names = ["..%2f..%2fetc%2fpasswd", "%00", "%ff%fe", "%zz", "a".repeat(4000), "-1", "*"];
  const queries = [
    "limit=x&t=x&h=x&w=x&tail=x&since=x&signal=x&filters=x&condition=x&path=&platform=%zz",
    "filters=%5B%5B&all=%ff",
  ];
  const requests = [
    ...everyRoute("nobody").flatMap((line) => bodies.map((body) => request(line, body))),
    ...everyRoute("nobody").map((line) => request(line, Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]))),
    ...names.flatMap((name) => everyRoute(name).map((line) => request(line))),
    ...queries.flatMap((query) => everyRoute("nobody").map((line) => request(`${line}?${query}`))),
  ];
  // A prune needs nothing to be well formed, and these wait for others.
  const others = /\/(prune|auth|events|images\/create)|GET \/events/;
  for (let at = 0; at < requests.length; at += 16) {
    const some = requests.slice(at, at + 16).filter((bytes) => !others.test(firstLine(bytes)));
    const answers = await Promise.all(some.map(async (bytes) => await exchange(daemon, bytes)));
    for (const [index, { status, text }] of answers.entries()) {
      assert.ok(
        status >= 200 && !text.includes("internal error"),
        `${firstLine(some[index] ?? Buffer.alloc(0)).slice(0, 200)}: ${text.slice(-200)}`,
      );
    }
  }
  assert.deepEqual(await daemon.engine.containers.list(daemon.call), []);
  // A volume may be asked for without a name.
  const named = (await daemon.engine.volumes.list(daemon.call)).filter(({ anonymous }) => !anonymous);
  assert.deepEqual(named, []);
  await provesNoneLeft(before);
  await isAlive(daemon);
});

function firstLine(bytes: Buffer): string {
  return bytes.subarray(0, bytes.indexOf("\r\n")).toString("latin1");
}

test("requests that are no HTTP, or more than a daemon should read, end their own connection only", async (t) => {
  if (!ready(t)) return;
  await using daemon = await openTestDaemon({ docker: true });
  await isAlive(daemon);
  const before = await openSockets();
  const cases: [name: string, bytes: string | Buffer, statuses: number[]][] = [
    ["no HTTP", "\0\x01\x02 nothing\r\n\r\n", [400]],
    ["no host", "GET /_ping HTTP/1.1\r\n\r\n", [400]],
    ["a huge header", request("GET /info", "", [`X-A: ${"a".repeat(100_000)}`]), [0, 431]],
    ["many headers", request("GET /_ping", "", Array<string>(5000).fill("X-A: b")), [200, 431]],
    [
      "two lengths",
      "POST /containers/create HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
      [400],
    ],
    ["a bad chunk", "POST /auth HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n", [400]],
    ["a bad namespace", request("GET /containers/json", "", ["X-Ferry-Namespace: ../x"]), [400]],
    ["CONNECT", "CONNECT x:1 HTTP/1.1\r\nHost: d\r\n\r\n", [0, 404]],
    ["an upgrade nobody offers", request("GET /_ping", "", ["Connection: Upgrade", "Upgrade: tcp"]), [200]],
    ["too long a body", request("POST /containers/create", "x".repeat(17 << 20)), [400]],
  ];
  for (const [name, bytes, statuses] of cases) {
    const { status, text } = await exchange(daemon, bytes);
    assert.ok(statuses.includes(status), `${name}: ${text.slice(0, 200)}`);
  }
  await provesNoneLeft(before);
  await isAlive(daemon);
});

test("clients that go away half-way leave nothing, and are nobody's error", async (t) => {
  if (!ready(t)) return;
  await using daemon = await openTestDaemon({ docker: true });
  const { id } = await daemon.create(["sleep", "1000"]);
  await isAlive(daemon);
  const started = await exchange(daemon, request(`POST /containers/${id}/start`));
  assert.equal(started.status, 204, started.text);
  const before = await openSockets();
  const sent = everyRoute(id)
    .filter((line) => line.startsWith("POST") || line.startsWith("PUT"))
    .map((line) => request(`${line}?path=/&fromSrc=-`, "x".repeat(1000)).subarray(0, -500));
  const watched = [
    "GET /events",
    `GET /containers/${id}/stats`,
    `GET /containers/${id}/logs?follow=1&stdout=1`,
    `POST /containers/${id}/wait`,
    `POST /containers/${id}/attach?stream=1&stdout=1`,
    `POST /containers/${id}/attach?stream=1&stdout=1&stdin=1`,
  ];
  const upgraded = watched.slice(-2).map((line) => request(line, "", ["Connection: Upgrade", "Upgrade: tcp"]));
  for (const bytes of [...sent, ...watched.map((line) => request(line)), ...upgraded]) {
    const socket: Socket = connect(daemon.socketPath);
    socket.on("error", () => {});
    socket.write(bytes);
    await sleep(100);
    socket.destroy();
  }
  await provesNoneLeft(before);
  await isAlive(daemon);
  const [container] = await daemon.engine.containers.list(daemon.call);
  assert.equal(container?.status.state, "running");
});
