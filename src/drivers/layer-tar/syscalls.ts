import { constants } from "node:os";
import koffi from "koffi";

const libc = koffi.load("libc.so.6");

/**
 * The calls that Node lacks, or makes on strings where we have bytes. Paths are NUL-terminated bytes (`const void*`).
 * Each answers -1 and leaves {@link lastErrno}.
 */
export const syscalls = {
  openat: libc.func("int openat(int, const void*, int, int)"),
  mkdirat: libc.func("int mkdirat(int, const void*, int)"),
  mknodat: libc.func("int mknodat(int, const void*, uint, uint64_t)"),
  linkat: libc.func("int linkat(int, const void*, int, const void*, int)"),
  symlinkat: libc.func("int symlinkat(const void*, int, const void*)"),
  unlinkat: libc.func("int unlinkat(int, const void*, int)"),
  fchownat: libc.func("int fchownat(int, const void*, uint, uint, int)"),
  fchown: libc.func("int fchown(int, uint, uint)"),
  fchmodat: libc.func("int fchmodat(int, const void*, uint, int)"),
  fchmod: libc.func("int fchmod(int, uint)"),
  utimensat: libc.func("int utimensat(int, const void*, const void*, int)"),
  futimens: libc.func("int futimens(int, const void*)"),
  lsetxattr: libc.func("int lsetxattr(const void*, const void*, const void*, size_t, int)"),
  fsetxattr: libc.func("int fsetxattr(int, const void*, const void*, size_t, int)"),
  llistxattr: libc.func("int64_t llistxattr(const void*, void*, size_t)"),
  lgetxattr: libc.func("int64_t lgetxattr(const void*, const void*, void*, size_t)"),
  flistxattr: libc.func("int64_t flistxattr(int, void*, size_t)"),
  fgetxattr: libc.func("int64_t fgetxattr(int, const void*, void*, size_t)"),
  ioctlInt: libc.func("int ioctl(int, ulong, ...)"),
  close: libc.func("int close(int)"),
  unshare: libc.func("int unshare(int)"),
  chroot: libc.func("int chroot(const void*)"),
  fchdir: libc.func("int fchdir(int)"),
  lseek: libc.func("int64_t lseek(int, int64_t, int)"),
  mallocTrim: libc.func("int malloc_trim(size_t)"),
  umask: libc.func("uint umask(uint)"),
} as const;

export const atFdCwd = -100;
export const atSymlinkNoFollow = 0x100;
export const atRemoveDir = 0x200;
export const cloneFs = 0x200;

const { errno } = constants;

export const errnos = {
  enoent: errno.ENOENT,
  eexist: errno.EEXIST,
  enotdir: errno.ENOTDIR,
  eisdir: errno.EISDIR,
  enotempty: errno.ENOTEMPTY,
  eperm: errno.EPERM,
  enodata: errno.ENODATA,
  enotsup: errno.EOPNOTSUPP,
  erange: errno.ERANGE,
  emlink: errno.EMLINK,
} as const;

export function lastErrno(): number {
  return koffi.errno();
}

/** `ENOSPC` and the like. */
export function errnoName(number: number): string {
  return Object.entries(errno).find(([, value]) => value === number)?.[0] ?? `errno ${number}`;
}

/** glibc's and the kernel's packing of a device number. */
export function makeDevice(major: number, minor: number): bigint {
  const [a, b] = [BigInt(major), BigInt(minor)];
  return ((a & 0xffff_f000n) << 32n) | ((a & 0xfffn) << 8n) | ((b & 0xffff_ff00n) << 12n) | (b & 0xffn);
}
