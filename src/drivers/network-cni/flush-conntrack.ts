import koffi from "koffi";
import type { Call } from "#core/call.ts";

const libc = koffi.load("libc.so.6");
const c = {
  socket: libc.func("int socket(int domain, int type, int protocol)"),
  setsockopt: libc.func("int setsockopt(int fd, int level, int name, const void *value, uint length)"),
  send: libc.func("long send(int fd, const void *bytes, size_t length, int flags)"),
  recv: libc.func("long recv(int fd, void *bytes, size_t length, int flags)"),
  close: libc.func("int close(int fd)"),
};

// Source: netlink(7), linux/netfilter/nfnetlink.h, nfnetlink_conntrack.h.
const netlink = { family: 16, raw: 3, closeOnExec: 0x8_0000, netfilter: 12, headerBytes: 16, nfgenBytes: 4 } as const;
const message = { get: (1 << 8) | 1, delete: (1 << 8) | 2, error: 2, done: 3 } as const;
const flags = { request: 1, ack: 4, dump: 0x300 } as const;
const attribute = { tupleOriginal: 1, tupleProto: 2, protoNumber: 1, destinationPort: 3 } as const;
const families = { 4: 2, 6: 10 } as const;
const udp = 17;
/** So that a kernel that does not answer holds nobody up. */
const receiveTimeoutSeconds = 2;

/**
 * Forgets the kernel's UDP flows to `ports` of the host, so that the next packet meets the rules as they are now: a
 * flow keeps going where its first packet went, be that a container that has gone or, before the port was published,
 * nowhere. By ctnetlink; without it in the kernel, nothing is done.
 */
export async function flushUdpFlows(call: Call, family: 4 | 6, ports: ReadonlySet<number>): Promise<void> {
  if (ports.size === 0) return;
  const fd = Number(c.socket(netlink.family, netlink.raw | netlink.closeOnExec, netlink.netfilter));
  if (fd < 0) return;
  try {
    setReceiveTimeout(fd);
    const tuples: Buffer[] = [];
    await exchange(fd, request(message.get, flags.request | flags.dump, family), (attributes) => {
      const tuple = tupleTo(attributes, ports);
      if (tuple !== undefined) tuples.push(tuple);
    });
    for (const tuple of tuples) {
      await exchange(fd, request(message.delete, flags.request | flags.ack, family, tuple), () => undefined);
    }
    if (tuples.length > 0) call.log.debug({ count: tuples.length }, "stale UDP flows forgotten");
  } finally {
    c.close(fd);
  }
}

function setReceiveTimeout(fd: number): void {
  const time = Buffer.alloc(16);
  time.writeBigInt64LE(BigInt(receiveTimeoutSeconds));
  c.setsockopt(fd, 1, 20, time, time.length);
}

function request(type: number, messageFlags: number, family: 4 | 6, payload: Buffer = Buffer.alloc(0)): Buffer {
  const bytes = Buffer.alloc(netlink.headerBytes + netlink.nfgenBytes + payload.length);
  bytes.writeUInt32LE(bytes.length, 0);
  bytes.writeUInt16LE(type, 4);
  bytes.writeUInt16LE(messageFlags, 6);
  bytes.writeUInt8(families[family], netlink.headerBytes);
  payload.copy(bytes, netlink.headerBytes + netlink.nfgenBytes);
  return bytes;
}

/** Sends, and hands over the attributes of each answer until the last one. What the kernel refuses is left as it is. */
async function exchange(fd: number, bytes: Buffer, onAttributes: (attributes: Buffer) => void): Promise<void> {
  if (Number(c.send(fd, bytes, bytes.length, 0)) < 0) return;
  for (;;) {
    const answer = await receive(fd);
    if (answer.length === 0) return;
    for (const { type, body } of messagesOf(answer)) {
      if (type === message.done || type === message.error) return;
      onAttributes(body.subarray(netlink.nfgenBytes));
    }
  }
}

/** On one of koffi's threads; empty when nothing comes. */
async function receive(fd: number): Promise<Buffer> {
  const bytes = Buffer.alloc(64 * 1024);
  const { promise, resolve } = Promise.withResolvers<number>();
  c.recv.async(fd, bytes, bytes.length, 0, (_error: unknown, length: number | bigint) => resolve(Number(length)));
  return bytes.subarray(0, Math.max(0, await promise));
}

function* messagesOf(bytes: Buffer): Generator<{ type: number; body: Buffer }> {
  for (let at = 0; at + netlink.headerBytes <= bytes.length;) {
    const length = bytes.readUInt32LE(at);
    if (length < netlink.headerBytes) return;
    yield { type: bytes.readUInt16LE(at + 4), body: bytes.subarray(at + netlink.headerBytes, at + length) };
    at += (length + 3) & ~3;
  }
}

/** The attribute that names a flow, whole, when it is UDP to one of `ports`. */
function tupleTo(attributes: Buffer, ports: ReadonlySet<number>): Buffer | undefined {
  const tuple = findAttribute(attributes, attribute.tupleOriginal);
  const proto = tuple && findAttribute(tuple.value, attribute.tupleProto);
  const number = proto && findAttribute(proto.value, attribute.protoNumber);
  const port = proto && findAttribute(proto.value, attribute.destinationPort);
  if (number?.value[0] !== udp || port === undefined || !ports.has(port.value.readUInt16BE())) return undefined;
  return Buffer.from(tuple?.whole ?? []);
}

function findAttribute(bytes: Buffer, wanted: number): { value: Buffer; whole: Buffer } | undefined {
  for (let at = 0; at + 4 <= bytes.length;) {
    const length = bytes.readUInt16LE(at);
    if (length < 4) return undefined;
    const padded = (length + 3) & ~3;
    // The two highest bits are flags.
    if ((bytes.readUInt16LE(at + 2) & 0x3fff) === wanted) {
      return { value: bytes.subarray(at + 4, at + length), whole: bytes.subarray(at, at + padded) };
    }
    at += padded;
  }
  return undefined;
}
