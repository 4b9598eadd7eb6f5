import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createConnection, createServer, type AddressInfo } from "node:net";
import test from "node:test";
import { errnoOf } from "#base/errors.ts";
import type { PortProtocol } from "#core/networks/network.ts";
import { fails } from "#test/support/fails.ts";
import { HostPorts } from "./host-ports.ts";

function request(hostPort: number, protocol: PortProtocol = "tcp", hostIp = "") {
  return { containerPort: 80, protocol, hostIp, hostPort };
}

/** Errno of a listener that comes to a port, or "free". */
async function comes(protocol: "tcp" | "udp", host: string, port: number): Promise<string> {
  try {
    if (protocol === "tcp") {
      const server = createServer().listen({ host, port, exclusive: true });
      await once(server, "listening");
      server.close();
    } else {
      const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
      socket.bind({ address: host, port, exclusive: true });
      await once(socket, "listening");
      socket.close();
    }
    return "free";
  } catch (error) {
    return errnoOf(error) ?? String(error);
  }
}

test("nobody else opens a port that is reserved, in any family, and a connection to it is refused", async () => {
  const ports = new HostPorts();
  for (const protocol of ["tcp", "udp"] as const) {
    const [reserved] = await ports.reserve("endpoint", "web", [request(0, protocol)]);
    const port = reserved?.hostPort ?? 0;
    assert.ok(port > 0);
    for (const host of ["0.0.0.0", "127.0.0.1", "::", "::1"]) {
      assert.equal(await comes(protocol, host, port), "EADDRINUSE", `${protocol} ${host}`);
    }
    if (protocol === "tcp") {
      const [error] = await once(createConnection({ host: "127.0.0.1", port }), "error");
      assert.equal(errnoOf(error), "ECONNREFUSED");
    }
    await fails(
      "conflict",
      ports.reserve("other", "two", [request(port, protocol)]),
      /already allocated \(by container web\)/,
    );
    ports.release("endpoint");
    ports.release("endpoint");
    assert.equal(await comes(protocol, "0.0.0.0", port), "free");
    await ports.reserve("endpoint", "web", [request(port, protocol)]);
    ports.clear();
  }
});

test("an address holds its port for itself only", async () => {
  const ports = new HostPorts();
  const [reserved] = await ports.reserve("endpoint", "web", [request(0, "tcp", "127.0.0.2")]);
  const port = reserved?.hostPort ?? 0;
  assert.equal(await comes("tcp", "127.0.0.2", port), "EADDRINUSE");
  assert.equal(await comes("tcp", "127.0.0.3", port), "free");
  ports.clear();
  await fails("invalidArgument", ports.reserve("x", "web", [request(port, "tcp", "192.0.2.77")]), /cannot assign/);
});

test("a port that a process of the host has is refused by its name; after a restart it is told of", async () => {
  await using server = createServer().listen({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const ports = new HostPorts();
  const text = new RegExp(`port is already allocated \\(by .*, pid ${process.pid}\\)`);
  await fails("conflict", ports.reserve("endpoint", "web", [request(port)]), text);
  const published = [request(port), request(0)];
  assert.deepEqual(ports.restore("endpoint", "web", published), [request(port)]);
  ports.clear();
});

test("the end of a former server's connections does not hold a port", async () => {
  const server = createServer((socket) => socket.end()).listen({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  // The server closes first, so its side stays in TIME_WAIT.
  await once(createConnection({ host: "127.0.0.1", port }).resume(), "close");
  server.close();
  await once(server, "close");
  const ports = new HostPorts();
  await ports.reserve("endpoint", "web", [request(port)]);
  assert.equal(await comes("tcp", "0.0.0.0", port), "EADDRINUSE");
  ports.clear();
});
