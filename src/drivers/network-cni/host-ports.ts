import { createSocket } from "node:dgram";
import { readdir, readFile, readlink } from "node:fs/promises";
import { createServer } from "node:net";
import { EngineError, errnoOf } from "#base/errors.ts";
import type { PortProtocol, PublishedPort } from "#core/networks/network.ts";

type PortRequest = { containerPort: number; protocol: PortProtocol; hostIp: string; hostPort: number };

const anyAddresses = new Set(["", "0.0.0.0", "::"]);

/** Which ports of the host our endpoints hold, and whether others do. */
export class HostPorts {
  readonly #held = new Map<string, { owner: string; ports: readonly PublishedPort[] }>();

  /**
   * Reserves an endpoint's ports until {@link release}; `hostPort` 0 becomes a free one.
   * @throws conflict with the kernel's or the other container's claim, in Docker's words
   */
  async reserve(endpointId: string, owner: string, requests: readonly PortRequest[]): Promise<PublishedPort[]> {
    const ports: PublishedPort[] = [];
    this.#held.set(endpointId, { owner, ports });
    try {
      // The reservation stands before the first wait, so that two requests at once see each other.
      for (const request of requests) if (request.hostPort !== 0) this.#refuseHeld(endpointId, request, ports);
      for (const request of requests) if (request.hostPort !== 0) ports.push({ ...request });
      for (const request of requests) {
        if (request.hostPort === 0) ports.push(await this.#pickFree(endpointId, request));
        else await refuseForeign(request);
      }
    } catch (error) {
      this.release(endpointId);
      throw error;
    }
    return inRequestOrder(ports, requests);
  }

  /** Takes up what a former daemon published. */
  restore(endpointId: string, owner: string, ports: readonly PublishedPort[]): void {
    this.#held.set(endpointId, { owner, ports });
  }

  /** Idempotent. */
  release(endpointId: string): void {
    this.#held.delete(endpointId);
  }

  clear(): void {
    this.#held.clear();
  }

  #refuseHeld(endpointId: string, request: PortRequest, own: readonly PublishedPort[]): void {
    for (const [id, { owner, ports }] of this.#held) {
      if (!ports.some((port) => clash(port, request))) continue;
      throw allocated(request, id === endpointId ? "" : ` (by container ${owner})`);
    }
    if (own.some((port) => clash(port, request))) throw allocated(request, "");
  }

  async #pickFree(endpointId: string, request: PortRequest): Promise<PublishedPort> {
    for (let attempt = 0; attempt < 50; attempt++) {
      const port = { ...request, hostPort: await tryBind({ ...request, hostPort: 0 }) };
      const held = [...this.#held].some(([, { ports }]) => ports.some((other) => clash(other, port)));
      if (!held) return port;
    }
    throw new EngineError("resourceExhausted", `endpoint ${endpointId}: all ports are allocated`);
  }
}

function clash(a: PortRequest, b: PortRequest): boolean {
  if (a.protocol !== b.protocol || a.hostPort !== b.hostPort) return false;
  return anyAddresses.has(a.hostIp) || anyAddresses.has(b.hostIp) || a.hostIp === b.hostIp;
}

function allocated(request: PortRequest, by: string): EngineError {
  const address = request.hostIp === "" ? "0.0.0.0" : request.hostIp;
  const host = address.includes(":") ? `[${address}]` : address;
  return new EngineError("conflict", `Bind for ${host}:${request.hostPort} failed: port is already allocated${by}`);
}

function inRequestOrder(ports: readonly PublishedPort[], requests: readonly PortRequest[]): PublishedPort[] {
  const left = [...ports];
  return requests.flatMap((request) => {
    const matches = (port: PublishedPort) =>
      port.containerPort === request.containerPort &&
      port.protocol === request.protocol &&
      port.hostIp === request.hostIp &&
      (request.hostPort === 0 || port.hostPort === request.hostPort);
    const at = left.findIndex(matches);
    return at < 0 ? [] : left.splice(at, 1);
  });
}

async function refuseForeign(request: PortRequest): Promise<void> {
  try {
    await tryBind(request);
  } catch (error) {
    if (errnoOf(error) === "EADDRINUSE") {
      const holder = await findHolder(request);
      throw allocated(request, holder === undefined ? "" : ` (by ${holder})`);
    }
    if (errnoOf(error) === "EADDRNOTAVAIL") {
      throw new EngineError(
        "invalidArgument",
        `failed to bind host port ${request.hostIp}:${request.hostPort}/${request.protocol}: cannot assign requested address`,
      );
    }
    throw error;
  }
}

/** Binds and lets go at once, which only tells what is so now: rules win over a listener that comes later. */
async function tryBind(request: PortRequest): Promise<number> {
  const host = request.hostIp === "" ? "0.0.0.0" : request.hostIp;
  if (request.protocol === "sctp")
    return request.hostPort === 0 ? 32_768 + Math.floor(Math.random() * 28_000) : request.hostPort;
  const bind = request.protocol === "tcp" ? bindTcp : bindUdp;
  const port = await bind(host, request.hostPort);
  if (request.hostIp !== "") return port;
  try {
    await bind("::", port);
  } catch (error) {
    if (errnoOf(error) === "EADDRINUSE") throw error;
    // A machine without IPv6.
  }
  return port;
}

async function bindTcp(host: string, port: number): Promise<number> {
  const server = createServer();
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.once("error", reject);
  server.listen({ host, port, ipv6Only: host.includes(":"), exclusive: true }, () => {
    const address = server.address();
    const bound = typeof address === "object" && address !== null ? address.port : port;
    server.close(() => resolve(bound));
  });
  return await promise;
}

async function bindUdp(host: string, port: number): Promise<number> {
  const socket = createSocket({ type: host.includes(":") ? "udp6" : "udp4", ipv6Only: host.includes(":") });
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  socket.once("error", (error) => {
    socket.close();
    reject(error);
  });
  socket.bind({ address: host, port, exclusive: true }, () => {
    const bound = socket.address().port;
    socket.close(() => resolve(bound));
  });
  return await promise;
}

/** `nginx (pid 812)`, as far as /proc tells. Source: proc(5), /proc/net/tcp. */
async function findHolder(request: PortRequest): Promise<string | undefined> {
  const wanted = request.hostPort.toString(16).toUpperCase().padStart(4, "0");
  const inodes = new Set<string>();
  for (const file of [request.protocol, `${request.protocol}6`]) {
    // thread-self: of the host also while the main thread makes a linux namespace.
    const lines = (await readOrEmpty(`/proc/thread-self/net/${file}`)).split("\n").slice(1);
    for (const line of lines) {
      const [, local = "", , state, , , , , , inode = ""] = line.trim().split(/\s+/);
      if (local.endsWith(`:${wanted}`) && (request.protocol === "udp" || state === "0A"))
        inodes.add(`socket:[${inode}]`);
    }
  }
  if (inodes.size === 0) return undefined;
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    if (await holdsOneOf(pid, inodes)) return `${(await readOrEmpty(`/proc/${pid}/comm`)).trim()}, pid ${pid}`;
  }
  return undefined;
}

async function holdsOneOf(pid: string, inodes: ReadonlySet<string>): Promise<boolean> {
  try {
    for (const fd of await readdir(`/proc/${pid}/fd`)) {
      if (inodes.has(await readlink(`/proc/${pid}/fd/${fd}`).catch(() => ""))) return true;
    }
  } catch (error) {
    // It has ended meanwhile, or it is not ours to look at.
    if (!["ENOENT", "EACCES", "EPERM", "ESRCH"].includes(errnoOf(error) ?? "")) throw error;
  }
  return false;
}

async function readOrEmpty(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (["ENOENT", "ESRCH"].includes(errnoOf(error) ?? "")) return "";
    throw error;
  }
}
