import koffi from "koffi";

/**
 * System calls that Node does not have, all of them quick: nothing here blocks but {@link pollAsync}, which waits in a
 * thread of the pool.
 */
const libc = koffi.load("libc.so.6");

const socket = libc.func("int socket(int domain, int type, int protocol)");
const connect = libc.func("int connect(int fd, const void *address, unsigned int length)");
const recv = libc.func("long recv(int fd, void *buffer, size_t length, int flags)");
const send = libc.func("long send(int fd, const void *buffer, size_t length, int flags)");
const shutdown = libc.func("int shutdown(int fd, int how)");
const pipe2 = libc.func("int pipe2(void *fds, int flags)");
const eventfd = libc.func("int eventfd(unsigned int value, int flags)");
const eventfdWrite = libc.func("int eventfd_write(int fd, uint64_t value)");
const eventfdRead = libc.func("int eventfd_read(int fd, void *value)");
const poll = libc.func("int poll(void *fds, unsigned long count, int timeout)");
const close = libc.func("int close(int fd)");
const ioctl = libc.func("int ioctl(int fd, unsigned long request, void *argument)");
const syscall2 = libc.func("long syscall(long number, int a, int b)");
const syscall4 = koffi.load("libc.so.6").func("long syscall(long number, int a, int b, void *c, unsigned int d)");

const AF_UNIX = 1;
const SOCK_SEQPACKET = 5;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const FIONREAD = 0x541b;
/** The same on every architecture since Linux 5.3. */
const SYS_pidfd_send_signal = 424;
const SYS_pidfd_open = 434;

export const EAGAIN = 11;
export const POLLIN = 1;
export const POLLOUT = 4;

/** Result of a call: its value, or the errno. */
export type CallResult = { readonly value: number } | { readonly errno: number };

function result(value: number): CallResult {
  return value < 0 ? { errno: koffi.errno() } : { value };
}

/** A non-blocking, connected SEQPACKET socket. `path` is at most 107 bytes. */
export function connectSeqpacket(path: string): CallResult {
  const fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0) as number;
  if (fd < 0) return result(fd);
  const address = Buffer.alloc(110);
  address.writeUInt16LE(AF_UNIX, 0);
  address.write(path, 2, 107);
  const connected = result(connect(fd, address, 2 + Buffer.byteLength(path) + 1) as number);
  if ("errno" in connected) close(fd);
  return "errno" in connected ? connected : { value: fd };
}

export function receive(fd: number, buffer: Uint8Array): CallResult {
  return result(Number(recv(fd, buffer, buffer.byteLength, MSG_DONTWAIT)));
}

export function sendPacket(fd: number, packet: Uint8Array): CallResult {
  return result(Number(send(fd, packet, packet.byteLength, MSG_DONTWAIT | MSG_NOSIGNAL)));
}

export function shutdownWrite(fd: number): void {
  shutdown(fd, 1);
}

export function closeFd(fd: number): void {
  close(fd);
}

/** A real pipe: what Node makes are sockets, which a process cannot open anew as `/dev/stdout`. */
export function openPipe(): { read: number; write: number } {
  const fds = new Int32Array(2);
  const made = result(pipe2(fds, SOCK_CLOEXEC) as number);
  if ("errno" in made) throw new Error(`pipe2: errno ${made.errno}`);
  return { read: fds[0] ?? -1, write: fds[1] ?? -1 };
}

export function openEventFd(): number {
  return eventfd(0, SOCK_CLOEXEC | SOCK_NONBLOCK) as number;
}

export function wakeEventFd(fd: number): void {
  eventfdWrite(fd, 1);
}

/** Takes back what {@link wakeEventFd} did. */
export function drainEventFd(fd: number): void {
  eventfdRead(fd, Buffer.alloc(8));
}

/** How many bytes of a pipe nobody has read yet, asked at either end. Source: pipe(7). */
export function unreadBytes(fd: number): number {
  const count = new Int32Array(1);
  return (ioctl(fd, FIONREAD, count) as number) < 0 ? 0 : (count[0] ?? 0);
}

/** poll(2) over `struct pollfd`s in `entries`, which must not be touched until the promise settles. */
export async function pollAsync(entries: Buffer, count: number, timeoutMs: number): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  poll.async(entries, count, timeoutMs, (error: unknown, value: number) =>
    error === null ? resolve(value) : reject(error),
  );
  return await promise;
}

/** A handle that stays with this very process; undefined when there is none of that pid. The caller closes it. */
export function openPidFd(pid: number): number | undefined {
  const opened = Number(syscall2(SYS_pidfd_open, pid, 0));
  return opened < 0 ? undefined : opened;
}

/** False when the process has ended. */
export function signalPidFd(fd: number, signal: number): boolean {
  return Number(syscall4(SYS_pidfd_send_signal, fd, signal, null, 0)) >= 0;
}
