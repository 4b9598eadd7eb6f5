import type { Syscalls } from "./shared-directory.ts";

/** Takes this thread back into its namespace. A daemon stuck in another's would serve nobody and do harm: better that it ends. */
export function comeBack(syscalls: Syscalls, fd: number, flag: number): void {
  try {
    syscalls.enter(fd, flag);
  } catch {
    process.abort();
  }
}
