import assert from "node:assert/strict";
import { access, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import test from "node:test";
import { testCall } from "#test/support/call.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { HostFiles } from "../host/host-files.ts";
import { removeFromNetwork } from "./cni-teardown.ts";

/** A node whose plugins write down what they are asked for. */
async function openNode() {
  const directory = await temporaryDirectory("cni");
  const at = (path: string) => join(directory.path, path);
  const write = async (path: string, text: string, mode = 0o644) => {
    await mkdir(dirname(at(path)), { recursive: true });
    await writeFile(at(path), text, { mode });
  };
  const plugin = async (path: string, code = 0) => {
    const script = `echo "$CNI_COMMAND $CNI_CONTAINERID $CNI_NETNS $CNI_PATH $(cat)" >> ${at("log")}\n`;
    await write(path, `#!/bin/sh\n${script}echo no good\nexit ${code}\n`, 0o755);
  };
  const told: string[] = [];
  const remove = async () => {
    const context = { files: new HostFiles(directory.path), tell: (text: string) => void told.push(text) };
    const pod = { containerId: "c1", linuxNamespace: "/proc/7/ns/net", podNamespace: "default", podName: "web" };
    const cni = { config: "/etc/net.d", plugins: ["/opt/own", "/opt/more"], cache: "/var/cache/cni" };
    await removeFromNetwork(testCall(), context, { pod, cni });
  };
  const log = async () => (await readFile(at("log"), "utf8")).trim().split("\n");
  return { at, write, plugin, remove, told, log, [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose]() };
}

const network = {
  name: "pods",
  cniVersion: "0.4.0",
  plugins: [{ type: "first", mtu: 9 }, { type: "gone" }, { type: "last" }],
};
const result = "/var/cache/cni/results/pods-c1-eth0";
const asked = "DEL c1 /proc/7/ns/net /opt/own:/opt/more";

test("DEL goes to the last plugin first, with what ADD answered, which is not kept after it", async () => {
  await using node = await openNode();
  await node.write("etc/net.d/10-pods.conflist", JSON.stringify(network));
  await node.write(result, JSON.stringify({ kind: "cniCacheV1", result: { ips: [1] } }));
  await node.plugin("opt/own/first");
  await node.plugin("opt/more/last");
  await node.remove();
  const rest = '"name":"pods","cniVersion":"0.4.0","prevResult":{"ips":[1]}}';
  assert.deepEqual(await node.log(), [`${asked} {"type":"last",${rest}`, `${asked} {"type":"first","mtu":9,${rest}`]);
  assert.deepEqual(node.told, ["network of default/web: gone: no such plugin in /opt/own, /opt/more"]);
  await assert.rejects(access(node.at(result)), { code: "ENOENT" });
});

test("what cannot be read is passed over, and a plugin that fails keeps no other", async () => {
  await using node = await openNode();
  await node.write("etc/net.d/05-broken.conf", "{");
  await node.write("etc/net.d/06-typeless.conf", '{"name": "x"}');
  await node.write("etc/net.d/07-none.conflist", '{"name": "x", "plugins": []}');
  await node.write("etc/net.d/10-pods.conflist", JSON.stringify(network));
  await node.write(result, '{"kind":');
  await node.plugin("opt/own/first");
  await node.plugin("opt/own/last", 1);
  await node.remove();
  assert.equal((await node.log()).length, 2);
  const [config = "", typeless = "", kept = "", ...plugins] = node.told;
  assert.match(config, /^network of default\/web: passed over: \/etc\/net.d\/05-broken.conf/);
  assert.match(typeless, /06-typeless.conf: type: missing$/);
  assert.match(kept, /^network of default\/web: passed over: .*pods-c1-eth0/);
  assert.deepEqual(
    plugins.map((text) => text.slice(24)),
    ["last: no good", "gone: no such plugin in /opt/own, /opt/more"],
  );
});

test("a plugin gets what the kubelet had asked of it at ADD, of what it says that it can", async () => {
  await using node = await openNode();
  const first = { type: "first", capabilities: { portMappings: true, dns: false } };
  await node.write("etc/net.d/10-pods.conflist", JSON.stringify({ ...network, plugins: [first] }));
  const portMappings = [{ hostPort: 80, containerPort: 8080, protocol: "tcp" }];
  const capabilityArgs = { portMappings, dns: {}, bandwidth: {} };
  await node.write(result, JSON.stringify({ kind: "cniCacheV1", result: {}, capabilityArgs }));
  await node.plugin("opt/own/first");
  await node.remove();
  const [line = ""] = await node.log();
  assert.deepEqual(JSON.parse(line.slice(asked.length)), {
    ...first,
    name: "pods",
    cniVersion: "0.4.0",
    runtimeConfig: { portMappings },
    prevResult: {},
  });
});
