import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { appendFile, mkdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import test from "node:test";
import type { Container } from "#core/containers/container.ts";
import { testCall } from "#test/support/call.ts";
import { fails } from "#test/support/fails.ts";
import { networkEngine, type NetworkEngineFixture } from "#test/support/network-engine.ts";
import { connectNetwork, disconnectNetwork } from "./connect-network.ts";
import { attachNetworks, detachNetworks } from "./container-network.ts";
import { networkFilePaths } from "./container-paths.ts";
import { createNetwork, ensureBuiltinNetworks } from "./create-network.ts";
import { pruneNetworks } from "./prune-networks.ts";
import { recoverNetworks } from "./recover-networks.ts";
import { restatePeers } from "./restate-peers.ts";
import { removeNetwork } from "./remove-network.ts";
import { writeNetworkFiles } from "./write-network-files.ts";

const call = testCall();
const settings = { aliases: [] };

function wanted(name: string) {
  return {
    name,
    driver: "",
    subnets: [],
    internal: false,
    ipv6: false,
    attachable: false,
    labels: {},
    options: {},
  };
}

function on(...networks: string[]) {
  return { networks: networks.map((network) => ({ network, aliases: [] })) };
}

/** Says that a container's process runs: connect and disconnect act on the interface then. */
async function setRunning({ engine }: NetworkEngineFixture, { id }: Container): Promise<void> {
  const running = (now: Container): Container => ({ ...now, status: { ...now.status, state: "running", pid: 1 } });
  await engine.containers.update(call, id, running);
}

async function interfaces(it: NetworkEngineFixture, container: Container): Promise<string[]> {
  const links = JSON.parse(await it.inside(container, "ip", "-json", "link")) as { ifname: string }[];
  return links.map(({ ifname }) => ifname);
}

test("attach gives interfaces in order, records them, states names; detach takes all of it away, twice", async (t) => {
  await using it = await networkEngine(t);
  if (it === undefined) return;
  const { engine } = it;
  await ensureBuiltinNetworks(call, engine);
  await ensureBuiltinNetworks(call, engine);
  assert.deepEqual((await engine.networks.list(call)).map(({ name }) => name).sort(), ["bridge", "host", "none"]);
  const mine = await createNetwork(call, engine, wanted("mine"));
  const container = await it.container("web", on("bridge", "mine"));
  const attachments = await attachNetworks(call, engine, container);
  assert.deepEqual((await engine.containers.get(call, container.id)).attachments, attachments);
  assert.deepEqual(
    attachments.map(({ networkName, interfaceName }) => [networkName, interfaceName]),
    [
      ["bridge", "eth0"],
      ["mine", "eth1"],
    ],
  );
  assert.deepEqual(await interfaces(it, container), ["lo", "eth0", "eth1"]);
  const bridge = await engine.networks.get(call, "bridge");
  assert.deepEqual(engine.names.serversFor([bridge, mine]), [mine.subnets[0]?.gateway]);
  await detachNetworks(call, engine, container);
  await detachNetworks(call, engine, container);
  assert.deepEqual((await engine.containers.get(call, container.id)).attachments, []);
  assert.deepEqual(await engine.linuxNamespaces.listNetwork(), []);
});

test("a container without networks has a linux namespace with loopback alone; one on the host's has none", async (t) => {
  await using it = await networkEngine(t);
  if (it === undefined) return;
  const none = await it.container("none");
  assert.deepEqual(await attachNetworks(call, it.engine, none), []);
  assert.deepEqual(await interfaces(it, none), ["lo"]);
  const linuxNamespaces = { ...none.config.linuxNamespaces, network: { t: "host" } as const };
  const host = await it.container("host", { linuxNamespaces });
  assert.deepEqual(await attachNetworks(call, it.engine, host), []);
  assert.deepEqual(await it.engine.linuxNamespaces.listNetwork(), [none.id]);
  for (const container of [none, host]) await detachNetworks(call, it.engine, container);
});

test("a failure on the second network takes the first back", async (t) => {
  await using it = await networkEngine(t);
  if (it === undefined) return;
  const { engine } = it;
  const [one, two] = [
    await createNetwork(call, engine, wanted("one")),
    await createNetwork(call, engine, wanted("two")),
  ];
  const gateway = two.subnets[0]?.gateway ?? "";
  const networks = [
    { network: "one", aliases: [] },
    { network: two.id, aliases: [], ipv4Address: gateway },
  ];
  const container = await it.container("web", { networks });
  await fails("permissionDenied", attachNetworks(call, engine, container), /^Address already in use/);
  assert.deepEqual((await engine.containers.get(call, container.id)).attachments, []);
  assert.deepEqual(await engine.linuxNamespaces.listNetwork(), []);
  assert.deepEqual(engine.names.serversFor([one]), []);
});

test("connect and disconnect act on a running container, and on the record of a stopped one", async (t) => {
  await using it = await networkEngine(t);
  if (it === undefined) return;
  const { engine } = it;
  for (const name of ["one", "two"]) await createNetwork(call, engine, wanted(name));
  const container = await it.container("web", on("one"));
  await connectNetwork(call, engine, { container: "web", network: "two", settings });
  const asked = async () =>
    (await engine.containers.get(call, container.id)).config.networks.map(({ network }) => network);
  assert.deepEqual(await asked(), ["one", "two"]);
  await disconnectNetwork(call, engine, { container: "web", network: "two", force: false });
  assert.deepEqual(await asked(), ["one"]);
  const attachments = await attachNetworks(call, engine, container);
  const etc = networkFilePaths(engine, container);
  await mkdir(dirname(etc.hosts), { recursive: true });
  await writeNetworkFiles(call, engine, { container, attachments, etc });
  await appendFile(etc.hosts, "192.0.2.1\tkept\n");
  await setRunning(it, container);
  await connectNetwork(call, engine, { container: "web", network: "two", settings: { aliases: ["w"] } });
  assert.deepEqual(await interfaces(it, container), ["lo", "eth0", "eth1"]);
  const own = async () => {
    const lines = (await readFile(etc.hosts, "utf8")).trimEnd().split("\n").slice(6);
    return lines.map((line) => line.split("\t"));
  };
  const addresses = (await engine.containers.get(call, container.id)).attachments.map(({ ipv4 }) => ipv4?.address);
  const { hostname } = container.config;
  assert.deepEqual(await own(), [
    [addresses[0], hostname],
    ["192.0.2.1", "kept"],
    [addresses[1], hostname],
  ]);
  const again = connectNetwork(call, engine, { container: "web", network: "two", settings });
  await fails("permissionDenied", again, "endpoint with name web already exists in network two");
  await fails(
    "permissionDenied",
    removeNetwork(call, engine, "two"),
    /^error while removing network: network two has active endpoints \(name:"web" id:"[0-9a-f]{12}"\)$/,
  );
  await disconnectNetwork(call, engine, { container: "web", network: "one", force: false });
  assert.deepEqual(await interfaces(it, container), ["lo", "eth1"]);
  assert.match(await it.inside(container, "ip", "route", "show", "default"), /^default via \S+ dev eth1/);
  assert.deepEqual(await own(), [
    ["192.0.2.1", "kept"],
    [addresses[1], hostname],
  ]);
  const { subnets } = await engine.networks.get(call, "two");
  assert.match(await readFile(etc.resolvConf, "utf8"), new RegExp(`^nameserver ${subnets[0]?.gateway}\n`));
  const gone = disconnectNetwork(call, engine, { container: "web", network: "one", force: false });
  await fails("permissionDenied", gone, `container ${container.id} is not connected to network one`);
  await detachNetworks(call, engine, container);
  await removeNetwork(call, engine, "two");
});

test("after a kill: who runs keeps address, names and rules, everything else is freed", async (t) => {
  await using it = await networkEngine(t);
  if (it === undefined) return;
  const mine = await createNetwork(call, it.engine, wanted("mine"));
  const [lives, dead] = [await it.container("lives", on("mine")), await it.container("dead", on("mine"))];
  for (const container of [lives, dead]) await attachNetworks(call, it.engine, container);
  await it.engine.linuxNamespaces.createNetwork(call, "half-made");
  const again = await it.reopen();
  await recoverNetworks(call, again, ({ id }) => id === lives.id);
  assert.deepEqual(await again.linuxNamespaces.listNetwork(), [lives.id]);
  assert.deepEqual((await again.containers.get(call, dead.id)).attachments, []);
  const [attachment] = (await again.containers.get(call, lives.id)).attachments;
  assert.ok(attachment?.ipv4);
  assert.deepEqual(again.names.serversFor([mine]), [mine.subnets[0]?.gateway]);
  const next = await it.container("next", {
    networks: [{ network: "mine", aliases: [], ipv4Address: attachment.ipv4.address }],
  });
  await fails("permissionDenied", attachNetworks(call, again, next), /^Address already in use/);
  await detachNetworks(call, again, lives);
});

test("where port 53 of the gateway is taken, peers are in the hosts files, until names are served", async (t) => {
  await using it = await networkEngine(t);
  if (it === undefined) return;
  const { engine } = it;
  const mine = await createNetwork(call, engine, wanted("mine"));
  const gateway = mine.subnets[0]?.gateway ?? "";
  await using undo = new AsyncDisposableStack();
  execFileSync("ip", ["address", "add", `${gateway}/32`, "dev", "lo"]);
  undo.defer(() => void execFileSync("ip", ["address", "del", `${gateway}/32`, "dev", "lo"]));
  const taker = createSocket("udp4");
  let taken = true;
  undo.defer(() => void (taken && taker.close()));
  taker.bind({ address: gateway, port: 53, exclusive: true });
  await once(taker, "listening");

  const up = async (name: string) => {
    const container = await it.container(name, { networks: [{ network: "mine", aliases: [`${name}-alias`] }] });
    const attachments = await attachNetworks(call, engine, container);
    const etc = networkFilePaths(engine, container);
    await mkdir(dirname(etc.hosts), { recursive: true });
    await writeNetworkFiles(call, engine, { container, attachments, etc });
    await restatePeers(call, engine, mine);
    return { container, etc, address: attachments[0]?.ipv4?.address ?? "" };
  };
  const peersOf = async ({ etc }: { etc: { hosts: string } }) =>
    (await readFile(etc.hosts, "utf8")).split("\n").filter((line) => line.includes("# peer on mine"));
  const lineOf = ({ container, address }: Awaited<ReturnType<typeof up>>) =>
    `${address}\t${container.name} ${container.id.slice(0, 12)} ${container.name}-alias\t# peer on mine`;

  const one = await up("one");
  const two = await up("two");
  const three = await up("three");
  await appendFile(one.etc.hosts, "192.0.2.1\tmine\n");
  assert.deepEqual(await peersOf(one), [two, three].map(lineOf));
  assert.deepEqual(await peersOf(three), [one, two].map(lineOf));
  await detachNetworks(call, engine, two.container);
  assert.deepEqual(await peersOf(one), [lineOf(three)]);
  // A new daemon writes what the last one wrote.
  const again = await it.reopen();
  await recoverNetworks(call, again, () => true);
  assert.deepEqual(await peersOf(one), [lineOf(three)]);

  taker.close();
  taken = false;
  await once(taker, "close");
  const four = await it.container("four", on("mine"));
  await attachNetworks(call, again, four);
  assert.deepEqual([await peersOf(one), await peersOf(three)], [[], []]);
  assert.match(await readFile(one.etc.hosts, "utf8"), /192\.0\.2\.1\tmine/);
  assert.match(await readFile(one.etc.resolvConf, "utf8"), new RegExp(`^nameserver ${gateway}$`, "m"));
  for (const container of [one.container, three.container, four]) await detachNetworks(call, again, container);
});

test("bad names, builtin names, taken names and unknown drivers are refused in Docker's words", async (t) => {
  await using it = await networkEngine(t);
  if (it === undefined) return;
  const { engine } = it;
  await ensureBuiltinNetworks(call, engine);
  const mine = await createNetwork(call, engine, wanted("mine"));
  const make = (change: object) => createNetwork(call, engine, { ...wanted("x"), ...change });
  await fails("conflict", make({ name: "mine" }), "network with name mine already exists");
  await fails("permissionDenied", make({ name: "host" }), "operation is not permitted on predefined host network ");
  await fails("invalidArgument", make({ name: "a/b" }), /^invalid network name/);
  await fails("permissionDenied", make({ driver: "host" }), 'only one instance of "host" network is allowed');
  await fails("notFound", make({ driver: "weave" }), /plugin/);
  await fails("permissionDenied", make({ subnets: [{ subnet: mine.subnets[0]?.subnet, gateway: "" }] }), /overlaps/);
  await fails(
    "permissionDenied",
    removeNetwork(call, engine, "bridge"),
    "bridge is a pre-defined network and cannot be removed",
  );
  await it.container("wants", on("mine"));
  await createNetwork(call, engine, wanted("unused"));
  assert.deepEqual(
    (await pruneNetworks(call, engine)).map(({ name }) => name),
    ["unused"],
  );
});

test("two networks made at once have different ranges", async (t) => {
  await using it = await networkEngine(t);
  if (it === undefined) return;
  const { engine } = it;
  const made = await Promise.all(["a", "b", "c", "d"].map((name) => createNetwork(call, engine, wanted(name))));
  assert.equal(new Set(made.map(({ subnets }) => subnets[0]?.subnet)).size, 4);
});
