import assert from "node:assert/strict";
import { chmod, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import type { JsonObject } from "#base/json.ts";
import { testCall } from "#test/support/call.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { Cni, type CniNetworkList } from "./cni.ts";

const call = testCall();
const spec = { containerId: "c1", linuxNamespacePath: "/run/netns/x", interfaceName: "eth0" };

/** Plugins are scripts: they append what they were told to a journal and do as their name says. */
const scripts = {
  first: `cat <<'R'\n{"cniVersion":"1.0.0","interfaces":[{"name":"eth0","mac":"02:00:00:00:00:01","sandbox":"/run/netns/x"}],"ips":[{"address":"10.1.0.2/24","gateway":"10.1.0.1","interface":0}]}\nR`,
  second: `printf '%s' "$input" | sed -n 's/.*"prevResult":\\({.*}\\)}$/\\1/p'`,
  refuses: `[ "$CNI_COMMAND" = DEL ] || { echo '{"cniVersion":"1.0.0","code":11,"msg":"try later","details":"no link"}'; exit 1; }`,
  crashes: `[ "$CNI_COMMAND" = DEL ] || { echo 'panic: out of luck' >&2; exit 2; }`,
  hangs: `[ "$CNI_COMMAND" = DEL ] || exec sleep 60`,
  babbles: `[ "$CNI_COMMAND" = DEL ] || echo 'hello'`,
};

async function fixture(timeoutMs = 120_000) {
  await using undo = new AsyncDisposableStack();
  const directory = undo.use(await temporaryDirectory("cni"));
  const journal = join(directory.path, "journal");
  for (const [name, body] of Object.entries(scripts)) {
    const path = join(directory.path, name);
    const tell = `echo "$CNI_COMMAND ${name} $CNI_CONTAINERID $CNI_NETNS $CNI_IFNAME $CNI_ARGS $input" >>${journal}`;
    await writeFile(path, `#!/bin/sh\ninput=$(cat)\n${tell}\n${body}\n`);
    await chmod(path, 0o755);
  }
  const cacheDirectory = join(directory.path, "results");
  const cni = new Cni({ binDirectories: ["/nowhere", directory.path], cacheDirectory, timeoutMs });
  const stack = undo.move();
  return {
    cni,
    journal: async () => {
      const lines = (await readFile(journal, "utf8")).trim().split("\n");
      return lines.map((line) => {
        const at = line.indexOf("{");
        return { words: line.slice(0, at).trim(), config: JSON.parse(line.slice(at)) as JsonObject };
      });
    },
    cached: async () => await readdir(cacheDirectory).catch(() => []),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

function list(...types: string[]): CniNetworkList {
  const plugins = types.map((type) => ({ type, capabilities: { portMappings: type === "second" } }));
  return { cniVersion: "1.0.0", name: "net", plugins };
}

test("ADD runs in order with the previous result, DEL in reverse with the cached one", async () => {
  await using it = await fixture();
  const capabilityArgs = { portMappings: [{ hostPort: 80 }], bandwidth: {} };
  const full = { ...spec, args: { K8S_POD_NAME: "p", IgnoreUnknown: "1" }, capabilityArgs };
  const result = await it.cni.add(call, list("first", "second"), full);
  assert.deepEqual(result.ips, [{ address: "10.1.0.2/24", gateway: "10.1.0.1", interfaceIndex: 0 }]);
  assert.deepEqual(await it.cached(), ["net_c1_eth0"]);
  await it.cni.check(call, list("first", "second"), spec);
  await it.cni.delete(call, list("first", "second"), spec);
  const entries = await it.journal();
  const where = "c1 /run/netns/x eth0";
  assert.deepEqual(
    entries.map(({ words }) => words),
    [
      `ADD first ${where} K8S_POD_NAME=p;IgnoreUnknown=1`,
      `ADD second ${where} K8S_POD_NAME=p;IgnoreUnknown=1`,
      `CHECK first ${where}`,
      `CHECK second ${where}`,
      `DEL second ${where}`,
      `DEL first ${where}`,
    ],
  );
  const [first, second, , , lastOut] = entries.map(({ config }) => config);
  assert.deepEqual(first, { type: "first", cniVersion: "1.0.0", name: "net" });
  // Only what the plugin declares, in ADD and, from the cache, in DEL.
  assert.deepEqual(second?.["runtimeConfig"], { portMappings: [{ hostPort: 80 }] });
  assert.deepEqual(lastOut?.["runtimeConfig"], { portMappings: [{ hostPort: 80 }] });
  assert.ok(second?.["prevResult"] !== undefined && lastOut?.["prevResult"] !== undefined);
  assert.deepEqual(await it.cached(), []);
});

test("a refusal has the plugin's words and kind, and what was added is deleted", async () => {
  await using it = await fixture();
  await assert.rejects(it.cni.add(call, list("first", "refuses"), spec), {
    kind: "unavailable",
    message: "network net: plugin refuses ADD: try later: no link",
  });
  const words = (await it.journal()).map((entry) => entry.words.split(" ").slice(0, 2).join(" "));
  assert.deepEqual(words, ["ADD first", "ADD refuses", "DEL refuses", "DEL first"]);
  assert.deepEqual(await it.cached(), []);
});

test("a crash, an answer that is none, a missing plugin and a bad name are told apart", async () => {
  await using it = await fixture();
  const add = (type: string) => it.cni.add(call, list(type), spec);
  await assert.rejects(add("crashes"), { kind: "internal", message: /exit code 2: panic: out of luck/ });
  await assert.rejects(add("babbles"), { kind: "internal", message: /babbles: answer is not JSON/ });
  await assert.rejects(add("missing"), { kind: "notFound", message: /network plugin missing: not in/ });
  await assert.rejects(add("../first"), { kind: "invalidArgument" });
});

test("a plugin that hangs is killed at the time limit or when the call is aborted", async () => {
  await using slow = await fixture(300);
  await assert.rejects(slow.cni.add(call, list("hangs"), spec), {
    kind: "deadlineExceeded",
    message: "network plugin hangs: no answer to ADD in 300 ms",
  });
  await using it = await fixture();
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 100);
  await assert.rejects(it.cni.add(testCall({ signal: controller.signal }), list("hangs"), spec), {
    name: "AbortError",
  });
});
