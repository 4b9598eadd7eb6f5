import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readlink } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import test from "node:test";
import { testCall } from "#test/support/call.ts";
import { requireBinary, requireRoot } from "#test/support/require.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { PinnedPodNamespaces } from "./pinned-pod-namespaces.ts";

const call = testCall();

test("a connection into a pod: IPv4 or IPv6, half closed, refused where nobody listens", async (t) => {
  if (!requireRoot(t) || !requireBinary(t, "nsenter", "socat")) return;
  await using directory = await temporaryDirectory("podns");
  const home = await readlink("/proc/thread-self/ns/net");
  await using namespaces = new PinnedPodNamespaces(join(directory.path, "pods"));
  await namespaces.create(call, "one", { kinds: ["network"], hostname: "", sysctls: {} });
  try {
    for (const [address, port] of [
      ["TCP4-LISTEN:7004,bind=127.0.0.1", 7004],
      ["TCP6-LISTEN:7006,bind=[::1],ipv6only=1", 7006],
    ] as const) {
      await assert.rejects(async () => await namespaces.connect(call, "one", port), { kind: "unavailable" });
      const path = namespaces.pathOf("one", "network");
      const listener = spawn("nsenter", [`--net=${path}`, "socat", address, "EXEC:cat"], { stdio: "ignore" });
      const ended = once(listener, "exit");
      const connection = await connectWithin(namespaces, port);
      connection.end("there and back");
      assert.equal(await text(connection), "there and back");
      await ended;
    }
  } finally {
    await namespaces.delete(call, "one");
  }
  assert.equal(await readlink("/proc/thread-self/ns/net"), home, "the main thread is back on the host's network");
});

/** Waits until somebody listens. */
async function connectWithin(namespaces: PinnedPodNamespaces, port: number) {
  for (let tries = 0; tries < 200; tries++) {
    const connection = await namespaces.connect(call, "one", port).catch(() => undefined);
    if (connection !== undefined) return connection;
    await sleep(20);
  }
  throw new Error(`nobody listens on ${port}`);
}
