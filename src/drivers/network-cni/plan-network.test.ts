import assert from "node:assert/strict";
import test from "node:test";
import { parseIpBlock } from "#core/networks/ip-address.ts";
import { contractNetwork } from "#core/networks/network-driver.contract.ts";
import type { Network } from "#core/networks/network.ts";
import { conflistOf } from "./conflist.ts";
import { instanceOf } from "./instance.ts";
import { type Host, planNetwork } from "./plan-network.ts";

const nothing: Host = { blocks: [], interfaces: ["lo", "eth0"] };
const main = instanceOf("/run/ferry");

function plan(change: Partial<Network>, others: readonly Network[] = [], host = nothing, instance = main): Network {
  return planNetwork(contractNetwork("n", change), others, host, instance);
}

test("the default network takes Docker's first range and ferry0, the next ones what is free", () => {
  const first = plan({ builtin: true });
  assert.deepEqual([first.bridge, first.subnets], ["ferry0", [{ subnet: "172.17.0.0/16", gateway: "172.17.0.1" }]]);
  const second = plan({}, [first]);
  assert.match(second.bridge ?? "", /^fy-[0-9a-f]{12}$/);
  assert.equal(second.subnets[0]?.subnet, "172.18.0.0/16");
  const besideDocker = { blocks: [parseIpBlock("172.17.0.1/16")], interfaces: ["ferry0"] };
  const third = plan({ builtin: true }, [], besideDocker);
  assert.deepEqual([third.bridge, third.subnets[0]?.subnet], ["ferry1", "172.18.0.0/16"]);
});

test("the pools go on into 192.168 and end with Docker's words", () => {
  const networks: Network[] = [];
  for (let index = 0; index < 31; index++) networks.push(plan({}, networks));
  assert.equal(networks[15]?.subnets[0]?.subnet, "192.168.0.0/20");
  assert.throws(() => plan({}, networks), { message: "all predefined address pools have been fully subnetted" });
});

test("settings choose bridge, subnet, pools and IPv6 of the default network", () => {
  const settings = { bridge: "br9", subnet: "10.9.0.0/24", pools: ["10.10.0.0/23:24"], ipv6: true };
  const instance = instanceOf("/run/ferry", settings);
  const first = plan({ builtin: true }, [], nothing, instance);
  assert.deepEqual([first.bridge, first.subnets[0]?.subnet, first.ipv6], ["br9", "10.9.0.0/24", true]);
  assert.match(first.subnets[1]?.subnet ?? "", /^fd[0-9a-f:]+::\/64$/);
  const second = plan({}, [first], nothing, instance);
  assert.deepEqual([second.subnets[0]?.subnet, second.ipv6], ["10.10.0.0/24", false]);
  assert.throws(() => instanceOf("/run/ferry", { ...settings, pools: ["10.10.0.0/23:8"] }), {
    kind: "invalidArgument",
  });
});

test("another state directory shares neither names nor ranges with the main daemon", () => {
  const [one, two] = [instanceOf("/tmp/one"), instanceOf("/tmp/two")];
  assert.equal(new Set([main, one, two].map(({ chainPrefix }) => chainPrefix)).size, 3);
  assert.equal(new Set([main, one, two].map(({ defaultBridge }) => defaultBridge)).size, 3);
  assert.ok(one.defaultBridge.length <= 15);
  assert.notEqual(one.addressPools[0]?.base, two.addressPools[0]?.base);
});

test("what cannot be is refused in Docker's words", () => {
  const subnet = (change: object) => [{ subnet: "10.1.0.0/24", gateway: "", ...change }];
  const taken = [contractNetwork("other", { bridge: "fy-other", subnets: subnet({}) })];
  const cases: [Partial<Network>, RegExp][] = [
    [{ subnets: subnet({ subnet: "10.1.0.7/24" }) }, /^invalid subnet 10\.1\.0\.7\/24: it should be 10\.1\.0\.0\/24$/],
    [{ subnets: subnet({ gateway: "10.2.0.1" }) }, /parent subnet 10\.1\.0\.0\/24 does not contain it/],
    [{ subnets: subnet({ ipRange: "10.1.1.0/25" }) }, /invalid ip-range/],
    [{ subnets: subnet({ auxAddresses: { router: "10.9.9.9" } }) }, /auxiliary address router/],
    [{ subnets: subnet({ subnet: "fd00::/64" }) }, /IPv6 subnet on a network without IPv6/],
    [{ options: { "com.docker.network.driver.mtu": "12" } }, /bad MTU/],
    [{ options: { "com.docker.network.bridge.name": "much-too-long-name" } }, /no interface name/],
  ];
  for (const [change, message] of cases) assert.throws(() => plan(change), { message, kind: "invalidArgument" });
  assert.throws(() => plan({ subnets: subnet({ subnet: "10.1.0.128/25" }) }, taken), { kind: "permissionDenied" });
  assert.throws(() => plan({ bridge: "fy-other" }, taken), { kind: "conflict" });
});

test("ranges leave out the network's own, auxiliary and broadcast addresses", () => {
  const auxAddresses = { a: "10.1.0.4", b: "10.1.0.14" };
  const network = plan({ subnets: [{ subnet: "10.1.0.0/28", gateway: "", auxAddresses }] });
  const list = (staticAddress: boolean) =>
    JSON.stringify(
      conflistOf(network, { leaseDirectory: "/l", defaultRoute: false, staticAddress }).plugins[0]?.["ipam"],
    );
  const spans = [...list(false).matchAll(/"rangeStart":"([^"]+)","rangeEnd":"([^"]+)"/g)].map(
    ([, a, b]) => `${a}-${b}`,
  );
  assert.deepEqual(spans, ["10.1.0.1-10.1.0.3", "10.1.0.5-10.1.0.13"]);
  assert.doesNotMatch(list(true), /rangeStart/);
});
