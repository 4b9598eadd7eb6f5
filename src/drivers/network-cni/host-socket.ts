import { constants } from "node:os";
import koffi from "koffi";
import { parseIpAddress } from "#core/networks/ip-address.ts";

const libc = koffi.load("libc.so.6");
const c = {
  socket: libc.func("int socket(int domain, int type, int protocol)"),
  setsockopt: libc.func("int setsockopt(int fd, int level, int name, const void *value, uint length)"),
  bind: libc.func("int bind(int fd, const void *address, uint length)"),
  getsockname: libc.func("int getsockname(int fd, void *address, void *length)"),
  close: libc.func("int close(int fd)"),
};

// Source: socket(7), ipv6(7); the same on x86-64 and arm64.
const families = { 4: 2, 6: 10 } as const;
const types = { tcp: 1, udp: 2 } as const;
const closeOnExec = 0x8_0000;
const solSocket = { level: 1, reuseAddress: 2, receiveBuffer: 8 } as const;
const ipv6Only = { level: 41, name: 26 } as const;

export type SocketAddress = { readonly protocol: "tcp" | "udp"; readonly address: string; readonly port: number };

/**
 * A socket that is bound and does nothing else: nobody can bind its port while it is open, and a connection to it is
 * refused as if nobody were there. Disposing lets go. Port 0 takes a free one.
 *
 * Synchronous: three calls that wait for nothing, in the linux network namespace of the host.
 *
 * @throws Error with `code` `EADDRINUSE`, `EADDRNOTAVAIL`…
 */
export class HostSocket implements Disposable {
  readonly port: number;
  readonly #fd: number;
  #open = true;

  constructor({ protocol, address, port }: SocketAddress) {
    const { family, value } = parseIpAddress(address);
    this.#fd = check(c.socket(families[family], types[protocol] | closeOnExec, 0), "socket");
    try {
      if (family === 6) setOption(this.#fd, ipv6Only.level, ipv6Only.name, 1);
      // Nobody reads what comes to it.
      if (protocol === "udp") setOption(this.#fd, solSocket.level, solSocket.receiveBuffer, 1);
      bind(this.#fd, socketAddress(family, value, port), protocol === "tcp");
      this.port = boundPort(this.#fd);
    } catch (error) {
      c.close(this.#fd);
      throw error;
    }
  }

  [Symbol.dispose](): void {
    if (!this.#open) return;
    this.#open = false;
    c.close(this.#fd);
  }
}

function bind(fd: number, address: Buffer, mayReuse: boolean): void {
  if (Number(c.bind(fd, address, address.length)) === 0) return;
  const inUse = koffi.errno() === constants.errno.EADDRINUSE;
  if (!inUse || !mayReuse) throw failure("bind");
  // It may be no more than the end of connections of a server that was there before.
  setOption(fd, solSocket.level, solSocket.reuseAddress, 1);
  check(c.bind(fd, address, address.length), "bind");
  setOption(fd, solSocket.level, solSocket.reuseAddress, 0);
}

/** `sockaddr_in` or `sockaddr_in6`. */
function socketAddress(family: 4 | 6, value: bigint, port: number): Buffer {
  const bytes = Buffer.alloc(family === 4 ? 16 : 28);
  bytes.writeUInt16LE(families[family], 0);
  bytes.writeUInt16BE(port, 2);
  if (family === 4) bytes.writeUInt32BE(Number(value), 4);
  else Buffer.from(value.toString(16).padStart(32, "0"), "hex").copy(bytes, 8);
  return bytes;
}

function boundPort(fd: number): number {
  const address = Buffer.alloc(28);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(address.length);
  check(c.getsockname(fd, address, length), "getsockname");
  return address.readUInt16BE(2);
}

function setOption(fd: number, level: number, name: number, value: number): void {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  check(c.setsockopt(fd, level, name, bytes, bytes.length), "setsockopt");
}

function check(result: unknown, what: string): number {
  if (Number(result) < 0) throw failure(what);
  return Number(result);
}

function failure(what: string): Error {
  const errno = koffi.errno();
  const code = Object.entries(constants.errno).find(([, number]) => number === errno)?.[0] ?? `errno ${errno}`;
  return Object.assign(new Error(`${what}: ${code}`), { code });
}
