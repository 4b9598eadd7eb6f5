import { closeSync, readSync, writeSync } from "node:fs";
import { type ChildExit, type ProcessRequest, startProcess } from "./start-process.ts";

export type RunRequest = Omit<ProcessRequest, "fds"> & {
  /** What it reads at its standard input. */
  readonly input?: string;
  /** Aborting kills it; the result tells by its signal. */
  readonly signal: AbortSignal;
};

export type RunResult = ChildExit & { readonly stdout: string; readonly stderr: string };

/** What is kept of each stream; a program that writes more than that is not worth reading. */
const maxOutputBytes = 4 * 1024 * 1024;

/**
 * Runs a program to its end. Its streams are files in memory, not pipes: nothing has to be read while it runs, and a child
 * that it leaves behind with its output open holds nobody up.
 *
 * @throws the signal's reason when it is aborted before the start @throws StartError
 */
export async function runProcess({ input, signal, ...request }: RunRequest): Promise<RunResult> {
  signal.throwIfAborted();
  using files = new MemoryFiles(await import("./syscalls.ts"));
  const [stdin, stdout, stderr] = [files.open("stdin"), files.open("stdout"), files.open("stderr")];
  if (input !== undefined) files.fill(stdin, input);
  const child = await startProcess({ ...request, fds: [stdin, stdout, stderr] });
  const kill = () => child.kill("SIGKILL");
  if (signal.aborted) kill();
  signal.addEventListener("abort", kill, { once: true });
  try {
    const exit = await child.exited;
    return { ...exit, stdout: files.read(stdout), stderr: files.read(stderr) };
  } finally {
    signal.removeEventListener("abort", kill);
  }
}

/** Files in memory, closed at the end of the scope; reading and writing them waits for no disk. */
class MemoryFiles implements Disposable {
  readonly #syscalls: { openMemoryFile(name: string): number };
  readonly #fds: number[] = [];

  constructor(syscalls: { openMemoryFile(name: string): number }) {
    this.#syscalls = syscalls;
  }

  open(name: string): number {
    const fd = this.#syscalls.openMemoryFile(name);
    this.#fds.push(fd);
    return fd;
  }

  /** The offset, which the child shares, stays at the beginning. */
  fill(fd: number, text: string): void {
    const bytes = Buffer.from(text);
    let at = 0;
    while (at < bytes.length) at += writeSync(fd, bytes, at, bytes.length - at, at);
  }

  read(fd: number): string {
    const chunks: Buffer[] = [];
    let size = 0;
    while (size < maxOutputBytes) {
      const chunk = Buffer.allocUnsafe(16_384);
      const length = readSync(fd, chunk, 0, chunk.length, size);
      if (length === 0) break;
      chunks.push(chunk.subarray(0, length));
      size += length;
    }
    return Buffer.concat(chunks).toString();
  }

  [Symbol.dispose](): void {
    for (const fd of this.#fds) closeSync(fd);
  }
}
