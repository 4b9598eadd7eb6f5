import koffi from "koffi";
import { EngineError } from "#base/errors.ts";

/**
 * The few syscalls that make and pin a linux network namespace. x86-64 and arm64 share these constants.
 * Source: unshare(2), mount(2), setns(2), netdevice(7), linux/if.h.
 */
export const CLONE_NEWNET = 0x4000_0000;
export const CLONE_NEWIPC = 0x0800_0000;
export const CLONE_NEWUTS = 0x0400_0000;
export const MS_BIND = 0x1000;
export const MS_REC = 0x4000;
export const MS_SHARED = 0x10_0000;
export const MNT_DETACH = 2;

const O_RDONLY_CLOEXEC = 0x8_0000;
const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM_NONBLOCK_CLOEXEC = 1 | 0x800 | 0x8_0000;
const SOCK_DGRAM_CLOEXEC = 2 | 0x8_0000;
const SOL_SOCKET = 1;
const SO_ERROR = 4;
const POLLOUT = 4;
const connectWaitMs = 20;
const SIOCSIFFLAGS = 0x8914;
const IFF_UP = 1;
const ifreqSize = 40;
const ifreqNameSize = 16;

const libc = koffi.load("libc.so.6");
const c = {
  unshare: libc.func("int unshare(int flags)"),
  setns: libc.func("int setns(int fd, int nstype)"),
  open: libc.func("int open(const char *path, int flags)"),
  close: libc.func("int close(int fd)"),
  mount: libc.func(
    "int mount(const char *source, const char *target, const char *type, unsigned long flags, void *data)",
  ),
  umount2: libc.func("int umount2(const char *target, int flags)"),
  sethostname: libc.func("int sethostname(const char *name, size_t length)"),
  socket: libc.func("int socket(int domain, int type, int protocol)"),
  connect: libc.func("int connect(int fd, void *address, uint32_t length)"),
  poll: libc.func("int poll(void *descriptors, unsigned long count, int timeoutMs)"),
  getsockopt: libc.func("int getsockopt(int fd, int level, int name, _Out_ int *value, _Inout_ uint32_t *length)"),
  ioctl: libc.func("int ioctl(int fd, unsigned long request, void *argument)"),
};

/** Opens a file of a namespace; the caller closes it. */
export function openNamespace(path: string): number {
  return checked(c.open(path, O_RDONLY_CLOEXEC), `open ${path}`);
}

export function close(fd: number): void {
  c.close(fd);
}

/** Takes the calling thread into new namespaces of the kinds in `flags`. */
export function unshare(flags: number): void {
  checked(c.unshare(flags), "unshare");
}

export function enter(fd: number, kind: number): void {
  checked(c.setns(fd, kind), "setns");
}

export function setHostname(name: string): void {
  checked(c.sethostname(name, Buffer.byteLength(name)), `set host name ${name}`);
}

export function mount(source: string, target: string, flags: number): void {
  checked(c.mount(source, target, "none", flags, null), `mount ${source} at ${target}`);
}

/** Answers false when nothing is mounted at `target`. */
export function unmountDetached(target: string): boolean {
  if (c.umount2(target, MNT_DETACH) === 0) return true;
  const errno = koffi.errno();
  if (errno === koffi.os.errno.EINVAL || errno === koffi.os.errno.ENOENT) return false;
  throw failure(`unmount ${target}`, errno);
}

/** Sets `lo` up in the calling thread's network namespace. */
export function loopbackUp(): void {
  const socket = checked(c.socket(AF_INET, SOCK_DGRAM_CLOEXEC, 0), "socket");
  try {
    const request = Buffer.alloc(ifreqSize);
    request.write("lo");
    request.writeInt16LE(IFF_UP, ifreqNameSize);
    checked(c.ioctl(socket, SIOCSIFFLAGS, request), "set lo up");
  } finally {
    close(socket);
  }
}

/** A TCP connection on the calling thread's loopback, IPv4 before IPv6, that does not block. @throws unavailable */
export function connectLoopback(port: number): number {
  const v4 = Buffer.alloc(16);
  v4.writeUInt16LE(AF_INET, 0);
  v4.writeUInt16BE(port, 2);
  v4.set([127, 0, 0, 1], 4);
  const v6 = Buffer.alloc(28);
  v6.writeUInt16LE(AF_INET6, 0);
  v6.writeUInt16BE(port, 2);
  v6.writeUInt8(1, 23);
  for (const address of [v4, v6]) {
    const socket = c.socket(address.readUInt16LE(0), SOCK_STREAM_NONBLOCK_CLOEXEC, 0);
    if (socket < 0) continue;
    if (c.connect(socket, address, address.length) === 0) return socket;
    if (koffi.errno() === koffi.os.errno.EINPROGRESS && !isRefused(socket)) return socket;
    close(socket);
  }
  throw new EngineError("unavailable", `port ${port}: nobody listens on the loopback`);
}

/**
 * Whether a connection that is being made has failed. Loopback answers at once, but the answer is taken up after the call
 * has returned; only a listener whose queue is full leaves it open for longer.
 */
function isRefused(socket: number): boolean {
  const descriptor = Buffer.alloc(8);
  descriptor.writeInt32LE(socket, 0);
  descriptor.writeInt16LE(POLLOUT, 4);
  c.poll(descriptor, 1, connectWaitMs);
  const error = [0];
  checked(c.getsockopt(socket, SOL_SOCKET, SO_ERROR, error, [4]), "getsockopt SO_ERROR");
  return error[0] !== 0;
}

/** A failed syscall's errno name (`EINVAL`). */
export class SyscallError extends EngineError {
  readonly code: string;

  constructor(what: string, code: string) {
    super(code === "EPERM" || code === "EACCES" ? "permissionDenied" : "internal", `${what}: ${code}`);
    this.code = code;
  }
}

function checked(result: number, what: string): number {
  if (result >= 0) return result;
  throw failure(what, koffi.errno());
}

function failure(what: string, errno: number): SyscallError {
  const name = Object.entries(koffi.os.errno).find(([, value]) => value === errno)?.[0];
  return new SyscallError(what, name ?? `errno ${errno}`);
}
