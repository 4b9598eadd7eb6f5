import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import test from "node:test";
import { promisify } from "node:util";
import { testCall } from "#test/support/call.ts";
import { requireBinary, requireRoot } from "#test/support/require.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { PinnedPodNamespaces } from "./pinned-pod-namespaces.ts";

const execute = promisify(execFile);
const call = testCall();
const kinds = ["network", "ipc", "uts"] as const;

async function fixture() {
  await using undo = new AsyncDisposableStack();
  const { path } = undo.use(await temporaryDirectory("podns"));
  const directory = join(path, "pods");
  const namespaces = undo.use(new PinnedPodNamespaces(directory));
  const own = await ownNamespaces();
  const stack = undo.move();
  return {
    namespaces,
    async [Symbol.asyncDispose]() {
      await stack.disposeAsync();
      assert.deepEqual(await ownNamespaces(), own, "the main thread is where it was");
      assert.ok(!(await readFile("/proc/self/mountinfo", "utf8")).includes(directory));
    },
  };
}

async function ownNamespaces(): Promise<string[]> {
  return await Promise.all(["net", "ipc", "uts"].map((kind) => readlink(`/proc/thread-self/ns/${kind}`)));
}

test("a pod's namespaces have its host name and sysctls, the host keeps its own", async (t) => {
  if (!requireRoot(t)) return;
  await using it = await fixture();
  const sysctls = { "net.ipv4.ip_unprivileged_port_start": "7", "kernel.shm_rmid_forced": "1" };
  const before = await readFile("/proc/sys/kernel/shm_rmid_forced", "utf8");
  await it.namespaces.create(call, "a", { kinds, hostname: "pod-a", sysctls });
  await assert.rejects(it.namespaces.create(call, "a", { kinds, hostname: "x", sysctls: {} }), {
    kind: "alreadyExists",
  });
  const [net, ipc, uts] = kinds.map((kind) => it.namespaces.pathOf("a", kind));
  const script = "hostname; cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/kernel/shm_rmid_forced";
  const { stdout } = await execute("nsenter", [`--net=${net}`, `--ipc=${ipc}`, `--uts=${uts}`, "sh", "-c", script]);
  assert.equal(stdout, "pod-a\n7\n1\n");
  assert.equal(await readFile("/proc/sys/kernel/shm_rmid_forced", "utf8"), before);
  assert.equal(await it.namespaces.has("a", kinds), true);
  await it.namespaces.delete(call, "a");
  await it.namespaces.delete(call, "a");
  assert.deepEqual([await it.namespaces.has("a", kinds), await it.namespaces.list()], [false, []]);
});

test("a sysctl that the kernel refuses leaves nothing", async (t) => {
  if (!requireRoot(t)) return;
  await using it = await fixture();
  for (const name of ["net.no_such", "../../etc/passwd", "/etc/passwd"]) {
    const made = it.namespaces.create(call, "b", { kinds, hostname: "", sysctls: { [name]: "1" } });
    await assert.rejects(made, { kind: "invalidArgument" });
  }
  assert.deepEqual(await it.namespaces.list(), []);
});

test("a connection reaches the pod's loopback, not the host's", async (t) => {
  if (!requireRoot(t) || !requireBinary(t, "socat", "nsenter")) return;
  await using it = await fixture();
  await it.namespaces.create(call, "c", { kinds: ["network"], hostname: "", sysctls: {} });
  const listen = ["socat", "TCP-LISTEN:4321,bind=127.0.0.1,reuseaddr", "EXEC:cat"];
  const server = spawn("nsenter", [`--net=${it.namespaces.pathOf("c", "network")}`, ...listen], { stdio: "ignore" });
  try {
    await assert.rejects(it.namespaces.connect(call, "c", 4322), { kind: "unavailable" });
    const connection = await connectSoon(() => it.namespaces.connect(call, "c", 4321));
    connection.end("hello");
    assert.equal(await text(connection), "hello");
  } finally {
    server.kill("SIGKILL");
    await once(server, "exit").catch(() => {});
    await it.namespaces.delete(call, "c");
  }
});

async function connectSoon<T>(connect: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await connect();
    } catch (error) {
      if (tries > 3000) throw error;
      await sleep(20);
    }
  }
}
