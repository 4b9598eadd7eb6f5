import koffi from "koffi";

const library = koffi.load("libc.so.6");

const flockCall = library.func("int flock(int fd, int operation)");
const socketCall = library.func("int socket(int domain, int type, int protocol)");
const sendtoCall = library.func(
  "long sendto(int fd, const void *buffer, size_t length, int flags, const void *address, uint32_t addressLength)",
);
const madviseCall = library.func("int madvise(uint64_t address, size_t length, int advice)");
const mallocTrimCall = library.func("int malloc_trim(size_t pad)");
const closeCall = library.func("int close(int fd)");

const lockExclusive = 2;
const lockNonBlocking = 4;
const familyUnix = 1;
const typeDatagramCloseOnExec = 2 | 0o2000000;
const adviceDontNeed = 4;
const sendNoSignal = 0x4000;

/** Takes an exclusive flock(2) on `fd` without waiting; false when somebody else has it. The kernel drops it with the last copy of the descriptor. */
export function tryLockFile(fd: number): boolean {
  const result: unknown = flockCall(fd, lockExclusive | lockNonBlocking);
  return result === 0;
}

/** Unmaps the pages of a mapping that can be read again from its file; anything else loses its contents. */
export function dropPages(start: number, length: number): void {
  madviseCall(start, length, adviceDontNeed);
}

/** Gives what the allocator has kept back to the kernel; on a thread of koffi's. */
export function trimAllocator(): void {
  mallocTrimCall.async(0, () => {});
}

/** Sends one datagram to a Unix socket; `@name` is an abstract one. False when nobody took it. */
export function sendUnixDatagram(path: string, data: string): boolean {
  const fd: unknown = socketCall(familyUnix, typeDatagramCloseOnExec, 0);
  if (typeof fd !== "number" || fd < 0) return false;
  try {
    const name = Buffer.from(path.startsWith("@") ? `\0${path.slice(1)}` : `${path}\0`);
    const address = Buffer.concat([Buffer.from([familyUnix, 0]), name]);
    const bytes = Buffer.from(data);
    const sent: unknown = sendtoCall(fd, bytes, bytes.length, sendNoSignal, address, address.length);
    return Number(sent) === bytes.length;
  } finally {
    closeCall(fd);
  }
}
