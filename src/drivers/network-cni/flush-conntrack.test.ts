import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import test, { type TestContext } from "node:test";
import { testCall } from "#test/support/call.ts";
import { requireRoot } from "#test/support/require.ts";
import { flushUdpFlows } from "./flush-conntrack.ts";

/** A UDP flow on loopback; answers its port. */
async function flow(stack: AsyncDisposableStack): Promise<number> {
  const [server, client] = [createSocket("udp4"), createSocket("udp4")];
  for (const socket of [server, client]) stack.defer(() => void socket.close());
  server.bind(0, "127.0.0.1").on("message", (_bytes, from) => server.send("answer", from.port, from.address));
  await once(server, "listening");
  const { port } = server.address();
  client.send("question", port, "127.0.0.1");
  await once(client, "message");
  return port;
}

/** Whether the kernel has a UDP flow to `port`; undefined when it does not tell. */
async function isTracked(port: number): Promise<boolean | undefined> {
  const text = await readFile("/proc/net/nf_conntrack", "utf8").catch(() => undefined);
  const lines = text?.split("\n").filter((line) => / udp /.test(line) && line.includes(` dport=${port} `));
  return lines === undefined ? undefined : lines.length > 0;
}

test("UDP flows to the ports are forgotten, others not", async (t: TestContext) => {
  if (!requireRoot(t)) return;
  await using stack = new AsyncDisposableStack();
  const [gone, kept] = [await flow(stack), await flow(stack)];
  if ((await isTracked(gone)) !== true) return t.skip("the kernel tracks no connections here, or does not tell");
  await flushUdpFlows(testCall(), 6, new Set([gone]));
  assert.equal(await isTracked(gone), true);
  await flushUdpFlows(testCall(), 4, new Set([gone]));
  assert.deepEqual([await isTracked(gone), await isTracked(kept)], [false, true]);
});
