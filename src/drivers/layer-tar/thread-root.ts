import { closeSync, constants, openSync } from "node:fs";
import { EngineError } from "#base/errors.ts";
import { cloneFs, errnoName, lastErrno, syscalls } from "./syscalls.ts";

const oPath = 0o10000000;
const dot = Buffer.from(".\0");

/**
 * The root directory of this worker thread.
 *
 * A thread that has unshared its filesystem attributes may have a root of its own; inside of it, no link of a tree
 * leads outside, whoever resolves it. Source: clone(2), CLONE_FS.
 */
export class ThreadRoot {
  readonly #hostRoot: number;

  constructor() {
    check(syscalls.unshare(cloneFs), "unshare");
    // Modes are applied as archives have them.
    syscalls.umask(0);
    this.#hostRoot = openSync("/", oPath | constants.O_DIRECTORY);
  }

  /** Makes `directory` the thread's root until the result is disposed. */
  enter(directory: string): Disposable {
    const fd = openSync(directory, oPath | constants.O_DIRECTORY);
    try {
      this.#change(fd, directory);
    } finally {
      closeSync(fd);
    }
    return { [Symbol.dispose]: () => this.#change(this.#hostRoot, "/") };
  }

  #change(fd: number, name: string): void {
    check(syscalls.fchdir(fd), `enter ${name}`);
    check(syscalls.chroot(dot), `chroot ${name}`);
  }
}

function check(result: number, what: string): void {
  if (result !== 0) throw new EngineError("internal", `layer worker: ${what}: ${errnoName(lastErrno())}`);
}
