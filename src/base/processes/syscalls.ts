import { openSync } from "node:fs";
import koffi from "koffi";

/**
 * What glibc has for starting and reaping children. All of it is quick: `posix_spawn` holds up this thread until the child
 * has executed its program. Source: posix_spawn(3), waitpid(2), memfd_create(2),
 * fcntl(2).
 */
const libc = koffi.load("libc.so.6");

const c = {
  spawn: libc.func(
    "int posix_spawn(_Out_ int *pid, const char *path, void *actions, void *attributes, const char **argv, const char **envp)",
  ),
  initActions: libc.func("int posix_spawn_file_actions_init(void *actions)"),
  destroyActions: libc.func("int posix_spawn_file_actions_destroy(void *actions)"),
  addDup2: libc.func("int posix_spawn_file_actions_adddup2(void *actions, int fd, int target)"),
  addChdir: libc.func("int posix_spawn_file_actions_addchdir_np(void *actions, const char *path)"),
  initAttributes: libc.func("int posix_spawnattr_init(void *attributes)"),
  setFlags: libc.func("int posix_spawnattr_setflags(void *attributes, short flags)"),
  setSignalDefaults: libc.func("int posix_spawnattr_setsigdefault(void *attributes, const void *signals)"),
  waitpid: libc.func("int waitpid(int pid, _Out_ int *status, int options)"),
  memfdCreate: libc.func("int memfd_create(const char *name, unsigned int flags)"),
  fcntl: libc.func("int fcntl(int fd, int command, ...)"),
};

/** Larger than glibc's `posix_spawn_file_actions_t` (80), `posix_spawnattr_t` (336) and `sigset_t` (128) anywhere. */
const structSize = 512;
const POSIX_SPAWN_SETSIGDEF = 4;
const POSIX_SPAWN_SETSIGMASK = 8;
const WNOHANG = 1;
const MFD_CLOEXEC = 1;
const MFD_ALLOW_SEALING = 2;
/** Linux 6.3. */
const MFD_EXEC = 0x10;
const F_ADD_SEALS = 1033;
/** Neither its bytes, nor its length, nor these seals change any more. */
const F_SEAL_ALL = 0x0f;

/** Every signal as a new program expects it, none blocked: this runtime ignores SIGPIPE, and that would be inherited. */
const attributes = Buffer.alloc(structSize);
c.initAttributes(attributes);
c.setSignalDefaults(attributes, Buffer.alloc(structSize, 0xff));
c.setFlags(attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);

/** `/dev/null`, open for reading and writing as long as this process lives. */
export const nullFd = openSync("/dev/null", "r+");

export type SpawnArguments = {
  readonly path: string;
  /** The first is the program's own name. */
  readonly argv: readonly string[];
  /** `KEY=value`. */
  readonly env: readonly string[];
  readonly cwd: string | undefined;
  /** By the child's number; all else is closed by its own flag. */
  readonly fds: readonly number[];
};

/** Answers the pid, or the errno's name (`ENOENT`). The child's memory is not copied, as fork would. */
export function spawn({ path, argv, env, cwd, fds }: SpawnArguments): { pid: number } | { errno: string } {
  const actions = Buffer.alloc(structSize);
  c.initActions(actions);
  try {
    for (const [target, fd] of fds.entries()) c.addDup2(actions, fd, target);
    if (cwd !== undefined) c.addChdir(actions, cwd);
    const pid = [0];
    const errno = c.spawn(pid, path, actions, attributes, [...argv, null], [...env, null]) as number;
    return errno === 0 ? { pid: pid[0] ?? -1 } : { errno: errnoName(errno) };
  } finally {
    c.destroyActions(actions);
  }
}

/** The wait status of a child that has ended, which is forgotten with this; undefined while it runs. */
export function reap(pid: number): number | undefined {
  const status = [0];
  const waited = c.waitpid(pid, status, WNOHANG) as number;
  return waited === 0 ? undefined : (status[0] ?? 0);
}

/** A file without a name, in memory. The caller closes it. */
export function openMemoryFile(name: string): number {
  const fd = c.memfdCreate(name, MFD_CLOEXEC) as number;
  if (fd < 0) throw new Error(`memfd_create: ${errnoName(koffi.errno())}`);
  return fd;
}

/** As {@link openMemoryFile}, for a program: executable, to be sealed. Fails where the machine allows no such thing. */
export function openProgramFile(name: string): number {
  const flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  for (const exec of [MFD_EXEC, 0]) {
    const fd = c.memfdCreate(name, flags | exec) as number;
    if (fd >= 0) return fd;
  }
  throw new Error(`memfd_create: ${errnoName(koffi.errno())}`);
}

/** From here on nobody can change the file, whoever gets hold of it. */
export function sealFile(fd: number): void {
  if ((c.fcntl(fd, F_ADD_SEALS, "int", F_SEAL_ALL) as number) < 0)
    throw new Error(`fcntl F_ADD_SEALS: ${errnoName(koffi.errno())}`);
}

function errnoName(errno: number): string {
  return Object.entries(koffi.os.errno).find(([, value]) => value === errno)?.[0] ?? `errno ${errno}`;
}
