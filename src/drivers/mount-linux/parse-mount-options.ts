/** Options of one mount, as mount(2) takes them. */
export type ParsedOptions = {
  /** `MS_…` bits of the mount itself. */
  readonly flags: number;
  /** `MS_…` bits set by a second call, one each: propagation. */
  readonly propagation: readonly number[];
  /** What the filesystem reads itself, comma separated. */
  readonly data: string;
};

/** Takes fstab words apart into flags and the filesystem's own data; a later word overrides an earlier one. */
export function parseMountOptions(options: readonly string[]): ParsedOptions {
  let flags = 0;
  const propagation: number[] = [];
  const data: string[] = [];
  for (const option of options) {
    const own = flagWords[option];
    const spread = propagationWords[option];
    if (own !== undefined) flags = own.clear ? flags & ~own.bits : flags | own.bits;
    else if (spread !== undefined) propagation.push(spread);
    else if (!ignoredWords.has(option) && option !== "") data.push(option);
  }
  return { flags, propagation, data: data.join(",") };
}

/** `MS_…` of sys/mount.h. */
export const mountFlags = {
  readOnly: 1,
  noSuid: 2,
  noDev: 4,
  noExec: 8,
  synchronous: 16,
  remount: 32,
  mandatoryLocks: 64,
  dirSync: 128,
  noSymFollow: 256,
  noAtime: 1024,
  noDirAtime: 2048,
  bind: 4096,
  recursive: 16384,
  silent: 32768,
  unbindable: 1 << 17,
  private: 1 << 18,
  slave: 1 << 19,
  shared: 1 << 20,
  relAtime: 1 << 21,
  strictAtime: 1 << 24,
  lazyTime: 1 << 25,
} as const;

const set = (bits: number) => ({ bits, clear: false });
const clear = (bits: number) => ({ bits, clear: true });

const flagWords: Readonly<Record<string, { bits: number; clear: boolean }>> = {
  ro: set(mountFlags.readOnly),
  rw: clear(mountFlags.readOnly),
  nosuid: set(mountFlags.noSuid),
  suid: clear(mountFlags.noSuid),
  nodev: set(mountFlags.noDev),
  dev: clear(mountFlags.noDev),
  noexec: set(mountFlags.noExec),
  exec: clear(mountFlags.noExec),
  sync: set(mountFlags.synchronous),
  async: clear(mountFlags.synchronous),
  remount: set(mountFlags.remount),
  mand: set(mountFlags.mandatoryLocks),
  nomand: clear(mountFlags.mandatoryLocks),
  dirsync: set(mountFlags.dirSync),
  nosymfollow: set(mountFlags.noSymFollow),
  noatime: set(mountFlags.noAtime),
  atime: clear(mountFlags.noAtime),
  nodiratime: set(mountFlags.noDirAtime),
  diratime: clear(mountFlags.noDirAtime),
  bind: set(mountFlags.bind),
  rbind: set(mountFlags.bind | mountFlags.recursive),
  silent: set(mountFlags.silent),
  loud: clear(mountFlags.silent),
  relatime: set(mountFlags.relAtime),
  norelatime: clear(mountFlags.relAtime),
  strictatime: set(mountFlags.strictAtime),
  nostrictatime: clear(mountFlags.strictAtime),
  lazytime: set(mountFlags.lazyTime),
  nolazytime: clear(mountFlags.lazyTime),
};

const propagationWords: Readonly<Record<string, number>> = {
  private: mountFlags.private,
  rprivate: mountFlags.private | mountFlags.recursive,
  slave: mountFlags.slave,
  rslave: mountFlags.slave | mountFlags.recursive,
  shared: mountFlags.shared,
  rshared: mountFlags.shared | mountFlags.recursive,
  unbindable: mountFlags.unbindable,
  runbindable: mountFlags.unbindable | mountFlags.recursive,
};

/** Words of fstab that mean something to mount(8) only. */
const ignoredWords = new Set(["defaults", "auto", "noauto", "user", "nouser", "users", "owner", "group", "_netdev"]);
