import assert from "node:assert/strict";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { testCall } from "#test/support/call.ts";
import { eventually } from "#test/support/eventually.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { CniPodNetwork, parseNetworkList, type AddressPreference } from "./cni-pod-network.ts";

const call = testCall({ namespace: "k8s.io" });

const attachment = {
  sandboxId: "5a".repeat(32),
  linuxNamespacePath: "/run/pods/x/net",
  pod: { name: "web", uid: "u-1", namespace: "shop", attempt: 0 },
  ports: [
    { containerPort: 80, hostPort: 8080, protocol: "tcp", hostIp: "127.0.0.1" },
    { containerPort: 81, hostPort: 0, protocol: "udp", hostIp: "" },
  ],
  annotations: { "kubernetes.io/ingress-bandwidth": "10M" },
  cgroupParent: "",
  dns: { servers: [], searches: [], options: [] },
} as const;

type FixtureOptions = { addresses?: readonly string[]; addressPreference?: AddressPreference };

/** A plugin that writes what it was given to a file and answers with one address. */
async function fixture({ addresses = ["10.1.2.3/24"], ...preference }: FixtureOptions = {}) {
  await using undo = new AsyncDisposableStack();
  const { path } = undo.use(await temporaryDirectory("podnet"));
  const [bin = "", conf = "", seen = ""] = ["bin", "net.d", "seen"].map((name) => join(path, name));
  for (const directory of [bin, conf]) await mkdir(directory);
  const ips = addresses.map((address) => ({ address, interface: 0 }));
  const answer = JSON.stringify({ cniVersion: "1.0.0", interfaces: [{ name: "eth0" }], ips });
  const script = `#!/bin/sh\n{ echo "$CNI_COMMAND $CNI_ARGS"; cat; echo; } >>${seen}\necho '${answer}'\n`;
  await writeFile(join(bin, "note"), script, { mode: 0o755 });
  const options = { binDirectories: [bin], cacheDirectory: join(path, "cache"), timeoutMs: 120_000, ...preference };
  const network = undo.use(new CniPodNetwork(conf, options));
  const stack = undo.move();
  return { network, conf, seen, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

const list = (name: string) =>
  JSON.stringify({
    cniVersion: "1.0.0",
    name,
    plugins: [{ type: "note", capabilities: { portMappings: true, bandwidth: true } }],
  });

test("the first file by name counts, a broken one is passed over, and changes are seen", async () => {
  await using it = await fixture();
  assert.match((await it.network.problem()) ?? "", /^network plugin: no configuration in /);
  await assert.rejects(it.network.attach(call, attachment), { kind: "unavailable" });
  await writeFile(join(it.conf, "20-b.conflist"), "{");
  await seen(it.network, /20-b\.conflist: not JSON/);
  await writeFile(join(it.conf, "30-c.conflist"), list("third"));
  await seen(it.network, undefined);
  await rm(join(it.conf, "30-c.conflist"));
  await seen(it.network, /not JSON/);
});

test("pods are told to the plugins, and DEL gets what ADD was made with", async () => {
  await using it = await fixture();
  await writeFile(join(it.conf, "10-a.conflist"), list("first"));
  await seen(it.network, undefined);
  assert.deepEqual(await it.network.attach(call, attachment), ["10.1.2.3"]);
  await rm(join(it.conf, "10-a.conflist"));
  await it.network.detach(call, attachment);
  await it.network.detach(call, attachment);
  const [add = "", config = "", del = "", again = ""] = (await readFile(it.seen, "utf8")).split("\n");
  const identity = `K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web;K8S_POD_INFRA_CONTAINER_ID=${attachment.sandboxId};K8S_POD_UID=u-1`;
  assert.deepEqual([add, del], [`ADD IgnoreUnknown=1;${identity}`, `DEL IgnoreUnknown=1;${identity}`]);
  const runtimeConfig = {
    portMappings: [{ hostPort: 8080, containerPort: 80, protocol: "tcp", hostIP: "127.0.0.1" }],
    bandwidth: { ingressRate: 10_000_000, ingressBurst: 2 ** 31 - 1 },
  };
  for (const text of [config, again]) assert.deepEqual(JSON.parse(text).runtimeConfig, runtimeConfig);
});

test("the primary address is of the preferred family, or the plugin's first", async () => {
  const addresses = ["fd00::3/64", "10.1.2.3/24", "10.1.2.4/24"];
  for (const [addressPreference, expected] of [
    ["ipv4", ["10.1.2.3", "fd00::3", "10.1.2.4"]],
    ["ipv6", ["fd00::3", "10.1.2.3", "10.1.2.4"]],
    ["cni", ["fd00::3", "10.1.2.3", "10.1.2.4"]],
  ] as const) {
    await using it = await fixture({ addresses, addressPreference });
    await writeFile(join(it.conf, "10-a.conflist"), list("first"));
    await seen(it.network, undefined);
    assert.deepEqual(await it.network.attach(call, attachment), expected);
  }
  await using single = await fixture({ addressPreference: "ipv6" });
  await writeFile(join(single.conf, "10-a.conflist"), list("first"));
  await seen(single.network, undefined);
  assert.deepEqual(await single.network.attach(call, attachment), ["10.1.2.3"]);
});

test("a single plugin's configuration is a list of one", () => {
  const bytes = Buffer.from('{"cniVersion":"0.4.0","name":"lo","type":"loopback"}');
  const parsed = parseNetworkList(bytes, "lo");
  assert.deepEqual(
    [parsed.name, parsed.cniVersion, parsed.plugins.map(({ type }) => type)],
    ["lo", "0.4.0", ["loopback"]],
  );
  for (const bad of ["[]", '{"name":"x"}', '{"name":"x","plugins":[]}', '{"plugins":[{"type":"a"}]}']) {
    assert.throws(() => parseNetworkList(Buffer.from(bad), "x"), { kind: "invalidArgument" });
  }
});

/** Waits until the network's problem is as `expected`; the directory is watched, not read each time. */
async function seen(network: CniPodNetwork, expected: RegExp | undefined): Promise<void> {
  await eventually(`the problem is ${String(expected)}`, async () => {
    const problem = await network.problem();
    return expected === undefined ? problem === undefined : expected.test(problem ?? "");
  });
}
