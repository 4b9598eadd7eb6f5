import koffi from "koffi";

/** System calls that Node does not have; none of them blocks. */
const libc = koffi.load("libc.so.6");

const mkfifo = libc.func("int mkfifo(const char *path, unsigned int mode)");
const fallocate = libc.func("int fallocate(int fd, int mode, int64_t offset, int64_t length)");

const FALLOC_FL_KEEP_SIZE = 1;
const FALLOC_FL_PUNCH_HOLE = 2;

/** A named pipe that root alone may use. */
export function makeFifo(path: string): void {
  if (mkfifo(path, 0o600) !== 0) throw new Error(`mkfifo ${path}: errno ${koffi.errno()}`);
}

/** Gives a file's blocks back; it reads as zeros there, and keeps its length. A file system without holes keeps them. */
export function punchHole(fd: number, offset: number, length: number): void {
  fallocate(fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, offset, length);
}
