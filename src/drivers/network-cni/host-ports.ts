import { readdir, readFile, readlink } from "node:fs/promises";
import { EngineError, errnoOf } from "#base/errors.ts";
import type { PortProtocol, PublishedPort } from "#core/networks/network.ts";
import { HostSocket } from "./host-socket.ts";

type PortRequest = { containerPort: number; protocol: PortProtocol; hostIp: string; hostPort: number };

type Held = { readonly port: number; readonly sockets: readonly HostSocket[] };
type Claim = { readonly owner: string; readonly ports: readonly PublishedPort[]; readonly sockets: HostSocket[] };

const anyAddresses = new Set(["", "0.0.0.0", "::"]);

/**
 * Which ports of the host our endpoints hold, and whether others do. Each is held by a socket, so that no process of the
 * host listens on a port whose traffic goes to a container.
 */
export class HostPorts {
  readonly #held = new Map<string, Claim>();

  /**
   * Reserves an endpoint's ports until {@link release}; `hostPort` 0 becomes a free one.
   * @throws conflict with the kernel's or the other container's claim, in Docker's words
   */
  async reserve(endpointId: string, owner: string, requests: readonly PortRequest[]): Promise<PublishedPort[]> {
    const ports: PublishedPort[] = [];
    const sockets: HostSocket[] = [];
    this.#held.set(endpointId, { owner, ports, sockets });
    try {
      // The reservation stands before the first wait, so that two requests at once see each other.
      for (const request of requests) if (request.hostPort !== 0) this.#refuseHeld(endpointId, request, ports);
      for (const request of requests) if (request.hostPort !== 0) ports.push({ ...request });
      for (const request of requests) {
        const held = request.hostPort === 0 ? this.#pickFree(endpointId, request) : await holdOrRefuse(request);
        sockets.push(...held.sockets);
        if (request.hostPort === 0) ports.push({ ...request, hostPort: held.port });
      }
    } catch (error) {
      this.release(endpointId);
      throw error;
    }
    return inRequestOrder(ports, requests);
  }

  /**
   * Takes up what a former daemon published. Answers the ports that somebody else has opened meanwhile: their traffic
   * still goes to the container.
   */
  restore(endpointId: string, owner: string, ports: readonly PublishedPort[]): PublishedPort[] {
    const sockets: HostSocket[] = [];
    const taken: PublishedPort[] = [];
    this.#held.set(endpointId, { owner, ports, sockets });
    for (const port of ports) {
      try {
        sockets.push(...hold(port).sockets);
      } catch (error) {
        if (errnoOf(error) === undefined) throw error;
        taken.push(port);
      }
    }
    return taken;
  }

  /** Idempotent. */
  release(endpointId: string): void {
    for (const socket of this.#held.get(endpointId)?.sockets ?? []) socket[Symbol.dispose]();
    this.#held.delete(endpointId);
  }

  /** Lets go of all of them. */
  clear(): void {
    for (const endpointId of this.#held.keys()) this.release(endpointId);
  }

  #refuseHeld(endpointId: string, request: PortRequest, own: readonly PublishedPort[]): void {
    for (const [id, { owner, ports }] of this.#held) {
      if (!ports.some((port) => clash(port, request))) continue;
      throw allocated(request, id === endpointId ? "" : ` (by container ${owner})`);
    }
    if (own.some((port) => clash(port, request))) throw allocated(request, "");
  }

  #pickFree(endpointId: string, request: PortRequest): Held {
    for (let attempt = 0; attempt < 50; attempt++) {
      const found = tryHold({ ...request, hostPort: 0 });
      if (found === undefined) continue;
      const port = { ...request, hostPort: found.port };
      if (![...this.#held].some(([, { ports }]) => ports.some((other) => clash(other, port)))) return found;
      for (const socket of found.sockets) socket[Symbol.dispose]();
    }
    throw new EngineError("resourceExhausted", `endpoint ${endpointId}: all ports are allocated`);
  }
}

/** Undefined when the port that the kernel chose is taken in the other family. */
function tryHold(request: PortRequest): Held | undefined {
  try {
    return hold(request);
  } catch (error) {
    if (errnoOf(error) === "EADDRINUSE") return undefined;
    throw explained(error, request);
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

async function holdOrRefuse(request: PortRequest): Promise<Held> {
  try {
    return hold(request);
  } catch (error) {
    if (errnoOf(error) !== "EADDRINUSE") throw explained(error, request);
    const holder = await findHolder(request);
    throw allocated(request, holder === undefined ? "" : ` (by ${holder})`);
  }
}

function explained(error: unknown, { hostIp, hostPort, protocol }: PortRequest): unknown {
  if (errnoOf(error) !== "EADDRNOTAVAIL") return error;
  const text = `failed to bind host port ${hostIp}:${hostPort}/${protocol}: cannot assign requested address`;
  return new EngineError("invalidArgument", text, { cause: error });
}

/**
 * Takes a port of the host, with a socket per family that the address stands for. What a rule forwards never comes to
 * the socket; it is there so that nobody else opens the port and wonders.
 */
function hold({ protocol, hostIp, hostPort }: PortRequest): Held {
  if (protocol === "sctp") {
    return { port: hostPort === 0 ? 32_768 + Math.floor(Math.random() * 28_000) : hostPort, sockets: [] };
  }
  const first = new HostSocket({ protocol, address: hostIp === "" ? "0.0.0.0" : hostIp, port: hostPort });
  const { port } = first;
  if (hostIp !== "") return { port, sockets: [first] };
  try {
    return { port, sockets: [first, new HostSocket({ protocol, address: "::", port })] };
  } catch (error) {
    // A machine without IPv6 has nobody there to be taken for us.
    if (errnoOf(error) !== "EADDRINUSE") return { port, sockets: [first] };
    first[Symbol.dispose]();
    throw error;
  }
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
