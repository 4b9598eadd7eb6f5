import { constants } from "node:os";
import koffi from "koffi";
import { EngineError, type ErrorKind } from "#base/errors.ts";

type Argument = string | number | bigint | Uint8Array | null;

type KoffiFunction = ReturnType<typeof libc.func>;

const libc = koffi.load("libc.so.6");

/**
 * The calls of Linux that Node lacks and this driver needs. Sources: mount(2), umount2(2), openat2(2), fsopen(2),
 * open_tree(2), mount_setattr(2).
 */
export const syscalls = {
  mount: libc.func("int mount(const char*, const char*, const char*, unsigned long, const char*)"),
  umount2: libc.func("int umount2(const char*, int)"),
  openat: libc.func("int openat(int, const char*, int, int)"),
  mkdirat: libc.func("int mkdirat(int, const char*, int)"),
  close: libc.func("int close(int)"),
  unshare: libc.func("int unshare(int)"),
  chdir: libc.func("int chdir(const char*)"),
  openat2: libc.func("syscall", "long", ["long", "int", "const char*", "const void*", "size_t"]),
  fsopen: libc.func("syscall", "long", ["long", "const char*", "uint"]),
  fsconfig: libc.func("syscall", "long", ["long", "int", "uint", "const char*", "const char*", "int"]),
  fsmount: libc.func("syscall", "long", ["long", "int", "uint", "uint"]),
  moveMount: libc.func("syscall", "long", ["long", "int", "const char*", "int", "const char*", "uint"]),
  openTree: libc.func("syscall", "long", ["long", "int", "const char*", "uint"]),
  mountSetattr: libc.func("syscall", "long", ["long", "int", "const char*", "uint", "const void*", "size_t"]),
} as const;

/** Numbers are the same on every architecture that Linux gained after 2018. */
export const numbers = {
  openTree: 428,
  moveMount: 429,
  fsopen: 430,
  fsconfig: 431,
  fsmount: 432,
  openat2: 437,
  mountSetattr: 442,
} as const;

/** A call that failed: `code` is the errno's name. */
export class SyscallError extends Error {
  readonly code: string;

  constructor(what: string, errno: number) {
    const code = errnoNames.get(errno) ?? `errno ${errno}`;
    super(`${what}: ${errnoTexts[code] ?? code}`);
    this.name = "SyscallError";
    this.code = code;
  }
}

/** Runs `fn` on one of koffi's threads. @throws SyscallError when it answers a negative number */
export async function run(what: string, fn: KoffiFunction, ...args: Argument[]): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  // Koffi points the kernel to a buffer's bytes and holds no reference to it: this callback does, until the call is over.
  const held = [...args];
  fn.async(...args, (error: Error | null, result: number) => {
    held.length = 0;
    if (error !== null) reject(error);
    else if (result < 0) reject(new SyscallError(what, koffi.errno()));
    else resolve(result);
  });
  return await promise;
}

/** Runs `fn` here and now. @throws SyscallError as {@link run} */
export function runSync(what: string, fn: KoffiFunction, ...args: Argument[]): number {
  const result = Number(fn(...args));
  if (result < 0) throw new SyscallError(what, koffi.errno());
  return result;
}

/** What an errno of this driver means to a caller. */
export function kindOfErrno(code: string): ErrorKind {
  return kinds[code] ?? "internal";
}

/** `error` as an {@link EngineError} when it is a system error, else as it is. */
export function toEngineError(error: unknown, what: string): unknown {
  if (error instanceof EngineError || !(error instanceof Error) || !("code" in error)) return error;
  return new EngineError(kindOfErrno(String(error.code)), `${what}: ${error.message}`, { cause: error });
}

const errnoNames = new Map(Object.entries(constants.errno).map(([name, number]) => [number, name]));

const kinds: Readonly<Record<string, ErrorKind>> = {
  ENOENT: "notFound",
  ENOTDIR: "failedPrecondition",
  EEXIST: "alreadyExists",
  EINVAL: "invalidArgument",
  ENODEV: "invalidArgument",
  ELOOP: "invalidArgument",
  ENAMETOOLONG: "invalidArgument",
  EPERM: "permissionDenied",
  EACCES: "permissionDenied",
  ENOSPC: "resourceExhausted",
  EDQUOT: "resourceExhausted",
  EROFS: "failedPrecondition",
  EBUSY: "failedPrecondition",
};

const errnoTexts: Readonly<Record<string, string>> = {
  ENOENT: "no such file or directory",
  ENOTDIR: "not a directory",
  EINVAL: "invalid argument",
  ENODEV: "no such filesystem type",
  EPERM: "operation not permitted",
  EACCES: "permission denied",
  EBUSY: "busy",
  ENOSPC: "no space left on device",
  EROFS: "read-only filesystem",
  ELOOP: "too many levels of symbolic links",
};
