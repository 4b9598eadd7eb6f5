import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import test from "node:test";
import { testCall } from "#test/support/call.ts";
import type { Network, NetworkId } from "./network.ts";
import type { AttachRequest, NetworkDriver } from "./network-driver.ts";

/** What a driver's test gives: the driver, linux namespaces to attach, and eyes on the host. */
export type NetworkDriverFixture = AsyncDisposable & {
  readonly driver: NetworkDriver;
  /** Another driver on the same state, as after a restart of the daemon. */
  reopen(): NetworkDriver;
  /** A network that collides with nothing on this machine. */
  network(change?: Partial<Network>): Network;
  /** Makes a linux network namespace; ends with the fixture. */
  linuxNamespace(): Promise<{ path: string; delete(): Promise<void> }>;
  /** `ip -json <args>` inside a linux namespace. */
  ip(path: string, ...args: string[]): Promise<unknown>;
  /** What a TCP server on `port` inside a linux namespace is asked from the host, or from inside another one. */
  serve(path: string, port: number, answer: string): Promise<void>;
  fetch(host: string, port: number, from?: string): Promise<string>;
};

const contractCall = testCall();

/** A container id that no other test has. */
export function contractId(seed: string): string {
  return Buffer.from(`${seed}${process.pid}`).toString("hex").padEnd(64, "0").slice(0, 64);
}

/** A bridge network's record with nothing planned. */
export function contractNetwork(seed: string, change: Partial<Network> = {}): Network {
  return {
    id: contractId(seed) as NetworkId,
    name: seed,
    driver: "bridge",
    subnets: [],
    internal: false,
    ipv6: false,
    attachable: false,
    labels: {},
    options: {},
    createdAtNs: 0n,
    builtin: false,
    ...change,
  };
}

/** What every {@link NetworkDriver} does. `make` answers undefined where this machine cannot, having said why. */
export function networkDriverContract(
  name: string,
  make: (t: test.TestContext) => Promise<NetworkDriverFixture | undefined>,
) {
  const check = (title: string, body: (fixture: NetworkDriverFixture) => Promise<void>) =>
    void test(`${name}: ${title}`, async (t) => {
      await using fixture = await make(t);
      if (fixture !== undefined) await body(fixture);
    });

  check("two containers get addresses and reach each other", async (fixture) => {
    const network = await fixture.driver.plan(contractCall, fixture.network(), []);
    const [one, two] = [await attached(fixture, network, "a"), await attached(fixture, network, "b")];
    assert.notEqual(one.attachment.ipv4?.address, two.attachment.ipv4?.address);
    assert.equal(one.attachment.ipv4?.gateway, network.subnets[0]?.gateway);
    await fixture.serve(one.path, 8000, "from one");
    assert.equal(await fixture.fetch(one.attachment.ipv4?.address ?? "", 8000, two.path), "from one");
    assert.equal(await fixture.fetch(one.attachment.ipv4?.address ?? "", 8000), "from one");
    await one.detach();
    await two.detach();
    await fixture.driver.remove(contractCall, network);
  });

  check("a published port is reached on the host's addresses until it is detached", async (fixture) => {
    const network = await fixture.driver.plan(contractCall, fixture.network(), []);
    const ports = [{ containerPort: 80, protocol: "tcp", hostIp: "", hostPort: 0 }] as const;
    const one = await attached(fixture, network, "a", { ports });
    await fixture.serve(one.path, 80, "published");
    const hostPort = one.attachment.ports[0]?.hostPort ?? 0;
    assert.ok(hostPort > 1023);
    assert.equal(await fixture.fetch("127.0.0.1", hostPort), "published");
    assert.equal(await fixture.fetch(network.subnets[0]?.gateway ?? "", hostPort), "published");
    assert.equal(
      await fixture.fetch(network.subnets[0]?.gateway ?? "", hostPort, one.path),
      "published",
      "from itself",
    );
    const clash = { containerPort: 81, protocol: "tcp", hostIp: "127.0.0.1", hostPort } as const;
    await assert.rejects(attached(fixture, network, "b", { ports: [clash] }), {
      kind: "resourceExhausted",
      message:
        /^driver failed programming external connectivity on endpoint b \([0-9a-f]{64}\): Bind for 127\.0\.0\.1:\d+ failed: port is already allocated \(by container a\)$/,
    });
    const restarted = fixture.reopen();
    const live = [{ network, containerId: one.containerId, attachment: one.attachment }];
    await restarted.recover(contractCall, [network], live);
    assert.equal(await fixture.fetch("127.0.0.1", hostPort), "published", "after recovery");
    await one.detach(restarted);
    await assert.rejects(fixture.fetch("127.0.0.1", hostPort));
    await restarted.remove(contractCall, network);
  });

  check(
    "a port is published over IPv6 too, one with a host address on that alone, UDP and TCP apart",
    async (fixture) => {
      const network = await fixture.driver.plan(contractCall, fixture.network({ ipv6: true }), []);
      const [gateway, gateway6] = network.subnets.map((subnet) => subnet.gateway);
      const ports = [
        { containerPort: 80, protocol: "tcp", hostIp: "", hostPort: 0 },
        { containerPort: 80, protocol: "tcp", hostIp: "127.0.0.1", hostPort: 0 },
        { containerPort: 53, protocol: "udp", hostIp: "", hostPort: 0 },
      ] as const;
      const one = await attached(fixture, network, "a", { ports });
      await fixture.serve(one.path, 80, "both");
      const [everywhere, loopback, udp] = one.attachment.ports.map(({ hostPort }) => hostPort);
      assert.equal(await fixture.fetch(gateway6 ?? "", everywhere ?? 0), "both");
      assert.equal(await fixture.fetch(gateway ?? "", everywhere ?? 0), "both");
      assert.equal(await fixture.fetch("127.0.0.1", loopback ?? 0), "both");
      await assert.rejects(fixture.fetch(gateway ?? "", loopback ?? 0));
      await assert.rejects(fixture.fetch("127.0.0.1", udp ?? 0));
      await one.detach();
      await fixture.driver.remove(contractCall, network);
    },
  );

  check("a port that a process of the host has is refused by its name, and nothing is left", async (fixture) => {
    const network = await fixture.driver.plan(contractCall, fixture.network(), []);
    const listener = createServer().listen({ port: 0, host: "127.0.0.1" });
    await once(listener, "listening");
    const address = listener.address();
    const hostPort = typeof address === "object" && address !== null ? address.port : 0;
    const port = { containerPort: 80, protocol: "tcp", hostIp: "", hostPort } as const;
    await assert.rejects(attached(fixture, network, "a", { ports: [port] }), {
      kind: "resourceExhausted",
      message: new RegExp(
        `Bind for 0\\.0\\.0\\.0:${hostPort} failed: port is already allocated \\(by .*, pid ${process.pid}\\)$`,
      ),
    });
    listener.close();
    await once(listener, "close");
    const one = await attached(fixture, network, "a", { ports: [port] });
    assert.equal(one.attachment.ports[0]?.hostPort, hostPort);
    await one.detach();
    await fixture.driver.remove(contractCall, network);
  });

  check("an address and a MAC that are asked for are given, once", async (fixture) => {
    const network = await fixture.driver.plan(contractCall, fixture.network(), []);
    const wanted = (network.subnets[0]?.gateway ?? "").replace(/\.\d+$/, ".77");
    const asked = { ipv4Address: wanted, macAddress: "02:42:ac:11:00:77" };
    const one = await attached(fixture, network, "a", asked);
    assert.deepEqual([one.attachment.ipv4?.address, one.attachment.macAddress], [wanted, "02:42:ac:11:00:77"]);
    await assert.rejects(attached(fixture, network, "b", { ipv4Address: wanted }), { kind: "permissionDenied" });
    await one.detach();
    const again = await attached(fixture, network, "b", { ipv4Address: wanted });
    await again.detach();
    await fixture.driver.remove(contractCall, network);
  });

  check("only the network with the default route gives one; both families", async (fixture) => {
    const [first, second] = [
      await fixture.driver.plan(contractCall, fixture.network({ ipv6: true }), []),
      await fixture.driver.plan(contractCall, fixture.network(), []),
    ];
    const one = await attached(fixture, first, "a");
    const more = await attached(fixture, second, "a", {
      linuxNamespacePath: one.path,
      interfaceName: "eth1",
      defaultRoute: false,
    });
    assert.match(one.attachment.ipv6?.address ?? "", /^fd/);
    const routes = (await fixture.ip(one.path, "route", "show", "default")) as { gateway: string; dev: string }[];
    assert.deepEqual(
      routes.map(({ gateway, dev }) => [gateway, dev]),
      [[first.subnets[0]?.gateway, "eth0"]],
    );
    const routes6 = (await fixture.ip(one.path, "-6", "route", "show", "default")) as { gateway: string }[];
    assert.equal(routes6[0]?.gateway, one.attachment.ipv6?.gateway);
    await more.detach();
    await one.detach();
    for (const network of [first, second]) await fixture.driver.remove(contractCall, network);
  });

  check("networks are closed to each other, internal ones to everywhere", async (fixture) => {
    const [open, closed] = [
      await fixture.driver.plan(contractCall, fixture.network(), []),
      await fixture.driver.plan(contractCall, fixture.network({ internal: true }), []),
    ];
    const [one, two] = [
      await attached(fixture, open, "a"),
      await attached(fixture, closed, "b", { defaultRoute: false }),
    ];
    await fixture.serve(two.path, 8000, "hidden");
    await assert.rejects(fixture.fetch(two.attachment.ipv4?.address ?? "", 8000, one.path));
    assert.deepEqual(await fixture.ip(two.path, "route", "show", "default"), []);
    for (const container of [one, two]) await container.detach();
    for (const network of [open, closed]) await fixture.driver.remove(contractCall, network);
  });

  check("detach and remove succeed again, and after the linux namespace is gone", async (fixture) => {
    const network = await fixture.driver.plan(contractCall, fixture.network(), []);
    const one = await attached(fixture, network, "a");
    await one.deleteNamespace();
    await one.detach();
    await one.detach();
    await fixture.driver.remove(contractCall, network);
    await fixture.driver.remove(contractCall, network);
  });

  check("recovery frees what a container that is not live held", async (fixture) => {
    const network = await fixture.driver.plan(contractCall, fixture.network(), []);
    const wanted = (network.subnets[0]?.gateway ?? "").replace(/\.\d+$/, ".9");
    const lost = await attached(fixture, network, "lost", { ipv4Address: wanted });
    await lost.deleteNamespace();
    const restarted = fixture.reopen();
    await restarted.recover(contractCall, [network], []);
    const next = await attached({ ...fixture, driver: restarted }, network, "next", { ipv4Address: wanted });
    await next.detach(restarted);
    await restarted.remove(contractCall, network);
  });

  check("overlaps and nonsense are refused before anything is recorded", async (fixture) => {
    const first = await fixture.driver.plan(contractCall, fixture.network(), []);
    const { subnet = "" } = first.subnets[0] ?? {};
    const plan = (subnets: Network["subnets"]) =>
      fixture.driver.plan(contractCall, fixture.network({ subnets }), [first]);
    await assert.rejects(plan([{ subnet, gateway: "" }]), { kind: "permissionDenied", message: /Pool overlaps/ });
    for (const [bad, gateway] of [
      ["10.300.0.0/24", ""],
      ["10.199.7.1/24", ""],
      ["10.199.7.0/24", "10.199.8.1"],
    ] as const) {
      await assert.rejects(plan([{ subnet: bad, gateway }]), { kind: "invalidArgument" });
    }
  });
}

async function attached(
  fixture: NetworkDriverFixture,
  network: Network,
  containerName: string,
  change: Partial<AttachRequest> = {},
) {
  const given = change.linuxNamespacePath;
  const made = given === undefined ? await fixture.linuxNamespace() : { path: given, delete: async () => {} };
  const containerId = contractId(`${containerName}-container-`);
  const request: AttachRequest = {
    network,
    containerId,
    containerName,
    linuxNamespacePath: made.path,
    interfaceName: "eth0",
    defaultRoute: true,
    aliases: [],
    ports: [],
    ...change,
  };
  const attachment = await fixture.driver.attach(contractCall, request);
  const detach = async (driver = fixture.driver) =>
    await driver.detach(contractCall, { network, containerId, linuxNamespacePath: made.path, attachment });
  return { path: made.path, containerId, attachment, detach, deleteNamespace: () => made.delete() };
}
