import { parentPort, workerData } from "node:worker_threads";
import koffi from "koffi";
import { syscalls } from "./syscalls.ts";

export type LongOverlayRequest = {
  /** Working directory that the names in `data` are relative to. */
  readonly directory: string;
  readonly type: string;
  readonly source: string;
  readonly target: string;
  readonly flags: number;
  readonly data: string;
};

const cloneFs = 0x200;

parentPort?.postMessage(mountIn(workerData as LongOverlayRequest));

/** Mounts with a working directory of this thread's own; answers 0 or an errno. */
function mountIn({ directory, type, source, target, flags, data }: LongOverlayRequest): number {
  if (syscalls.unshare(cloneFs) !== 0 || syscalls.chdir(directory) !== 0) return koffi.errno();
  return syscalls.mount(source, target, type, flags, data) === 0 ? 0 : koffi.errno();
}
