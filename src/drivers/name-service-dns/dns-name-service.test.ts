import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createConnection } from "node:net";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { promisify } from "node:util";
import dnsPacket from "dns-packet";
import type { Logger } from "#base/logger.ts";
import { silentLogger } from "#base/logger.ts";
import { contractId, contractNetwork } from "#core/networks/network-driver.contract.ts";
import { PinnedLinuxNamespaces } from "#drivers/linux-namespaces/pinned-linux-namespaces.ts";
import { CniNetworkDriver } from "#drivers/network-cni/cni-network-driver.ts";
import { testCall } from "#test/support/call.ts";
import { requireBinary, requireRoot } from "#test/support/require.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { DnsNameService } from "./dns-name-service.ts";
import { DnsServer } from "./dns-server.ts";

const execute = promisify(execFile);
const call = testCall();

/** An address of the loopback network that is ours: tests of other files run beside this one. */
const upstreamAddress = `127.53.${process.pid & 0xff}.${(process.pid >> 8) & 0xff}`;

/** Two containers on a network, one of them named, and a resolver of the host's. */
async function fixture(t: TestContext, log: Logger = silentLogger) {
  if (!requireRoot(t) || !requireBinary(t, "bridge", "iptables", "nsenter")) return undefined;
  await using undo = new AsyncDisposableStack();
  const directory = undo.use(await temporaryDirectory("names"));
  const namespaces = new PinnedLinuxNamespaces(join(directory.path, "netns"));
  undo.defer(async () => void (await execute("sh", ["-c", `umount -l ${directory.path}/netns || true`])));
  const binDirectories = ["/opt/cni/bin", "/usr/lib/cni"];
  const driver = new CniNetworkDriver({ stateDirectory: directory.path, binDirectories, timeoutMs: 120_000 });
  const seed = directory.path.slice(-6);
  const network = await driver.plan(call, contractNetwork(seed), []);
  undo.defer(() => driver.remove(call, network));
  const containers = ["web", "client"].map(async (containerName) => {
    const linuxNamespacePath = await namespaces.createNetwork(call, containerName);
    undo.defer(() => namespaces.deleteNetwork(call, containerName));
    const containerId = contractId(`${seed}${containerName}`);
    const rest = { interfaceName: "eth0", defaultRoute: true, aliases: [], ports: [] };
    const request = { network, containerId, containerName, linuxNamespacePath, ...rest };
    const attachment = await driver.attach(call, request);
    undo.defer(() => driver.detach(call, { ...request, attachment }));
    return { containerId, linuxNamespacePath, address: attachment.ipv4?.address ?? "" };
  });
  const [web, client] = await Promise.all(containers);
  assert.ok(web && client);
  undo.use(await DnsServer.open(upstreamAddress, async (query) => upstream(query)));
  const names = undo.use(new DnsNameService({ log, hostServers: async () => [upstreamAddress] }));
  const stack = undo.move();
  return {
    network,
    web,
    client,
    names,
    gateway: network.subnets[0]?.gateway ?? "",
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** Knows `outside.test`, nothing else. */
function upstream(bytes: Buffer): Buffer {
  const query = dnsPacket.decode(bytes);
  const name = query.questions?.[0]?.name ?? "";
  const known = name === "outside.test";
  return dnsPacket.encode({
    type: "response",
    id: query.id ?? 0,
    flags: known ? 0 : 3,
    questions: query.questions ?? [],
    answers: known ? [{ type: "A", name, data: "192.0.2.7" }] : [],
  });
}

/** Asks from inside a linux namespace, with a resolver that is not ours (c-ares). */
async function resolve(path: string, server: string, name: string, type = "A"): Promise<unknown> {
  const script = `const r = new (require("node:dns").promises.Resolver)({ timeout: 20000, tries: 3 });
    r.setServers([process.argv[1]]);
    r.resolve(process.argv[2], process.argv[3]).then(
      (found) => console.log(JSON.stringify(found)), (error) => console.log(JSON.stringify(error.code)));`;
  const argv = [`--net=${path}`, process.execPath, "-e", script, server, name, type];
  return JSON.parse((await execute("nsenter", argv)).stdout) as unknown;
}

test("a container finds another by name over real sockets; the rest goes to the host's resolvers", async (t) => {
  await using it = await fixture(t);
  if (it === undefined) return;
  const { network, web, client, names, gateway } = it;
  assert.deepEqual(names.serversFor([network]), []);
  await names.set(network, { containerId: web.containerId, names: ["web", "alias"], ipv4: web.address });
  await names.set(network, { containerId: client.containerId, names: ["client"], ipv4: client.address });
  assert.deepEqual(names.serversFor([network]), [gateway]);
  const ask = (name: string, type?: string) => resolve(client.linuxNamespacePath, gateway, name, type);
  const answers = await Promise.all([
    ask("web"),
    ask("alias"),
    ask("web", "AAAA"),
    ask("outside.test"),
    ask("nobody"),
    ask(`${web.address.split(".").reverse().join(".")}.in-addr.arpa`, "PTR"),
  ]);
  const reverse = [`web.${network.name}`];
  assert.deepEqual(answers, [[web.address], [web.address], "ENODATA", ["192.0.2.7"], "ENOTFOUND", reverse]);
  await names.delete(network, web.containerId);
  assert.equal(await ask("web"), "ENOTFOUND");
  await names.delete(network, client.containerId);
  assert.deepEqual(names.serversFor([network]), []);
});

test("TCP too, several queries on a connection, and rubbish ends only its own connection", async (t) => {
  await using it = await fixture(t);
  if (it === undefined) return;
  const { network, web, names, gateway } = it;
  await names.set(network, { containerId: web.containerId, names: ["web"], ipv4: web.address });
  const rubbish = createConnection({ host: gateway, port: 53 });
  rubbish.end(Buffer.alloc(70_000, 0xff));
  const closed = Promise.withResolvers<void>();
  rubbish.on("error", () => {}).resume();
  rubbish.once("close", () => closed.resolve());
  await closed.promise;
  const socket = createConnection({ host: gateway, port: 53 });
  const questions = [{ name: "web", type: "A" as const }];
  const query = dnsPacket.streamEncode({ type: "query", id: 1, questions });
  socket.write(Buffer.concat([query, query]));
  let received = Buffer.alloc(0);
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    received = Buffer.concat([received, chunk]);
    if (received.length >= 2 && received.length >= (received.readUInt16BE(0) + 2) * 2) break;
  }
  const answers = dnsPacket.streamDecode(received).answers ?? [];
  assert.deepEqual(
    answers.map((answer) => ("data" in answer ? answer.data : "")),
    [web.address],
  );
});

test("where port 53 is taken there is one warning and no server; it is served once it is free", async (t) => {
  const warnings: string[] = [];
  await using it = await fixture(t, { ...silentLogger, warn: (_fields, message) => void warnings.push(message) });
  if (it === undefined) return;
  const { network, web, names, gateway } = it;
  const taker = createSocket("udp4");
  taker.bind({ address: gateway, port: 53, exclusive: true });
  await once(taker, "listening");
  const record = { containerId: web.containerId, names: ["web"], ipv4: web.address };
  await names.set(network, record);
  await names.set(network, record);
  assert.deepEqual([warnings.length, names.serversFor([network])], [1, []]);
  assert.match(warnings[0] ?? "", /containers do not find each other by name: port 53 of .* EADDRINUSE/);
  taker.close();
  await once(taker, "close");
  await names.set(network, record);
  assert.deepEqual(names.serversFor([network]), [gateway]);
});
