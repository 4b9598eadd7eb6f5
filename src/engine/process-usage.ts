import { readdir, readFile, readlink, statfs } from "node:fs/promises";
import type { Call } from "#core/call.ts";
import type { Container } from "#core/containers/container.ts";
import type { Engine } from "./engine.ts";
import { getTask } from "./find-task.ts";

export type ProcessUsage = {
  readonly processes: number;
  readonly threads: number;
  readonly fileDescriptors: number;
  readonly sockets: number;
};

/** What the processes of a running container hold, read from /proc. @throws conflict when it does not run */
export async function processUsage(
  call: Call,
  engine: Pick<Engine, "runtime">,
  container: Container,
): Promise<ProcessUsage> {
  const task = await getTask(call, engine, container);
  const each = await Promise.all((await task.pids(call)).map(usageOf));
  const sum = (pick: (usage: ProcessUsage) => number) => each.reduce((total, usage) => total + pick(usage), 0);
  return {
    processes: each.length,
    threads: sum(({ threads }) => threads),
    fileDescriptors: sum(({ fileDescriptors }) => fileDescriptors),
    sockets: sum(({ sockets }) => sockets),
  };
}

export type FilesystemRoom = {
  readonly sizeBytes: number;
  readonly inodes: number;
  readonly freeInodes: number;
};

/** The filesystem that layers and writable layers are on. */
export async function filesystemRoom({ settings }: Pick<Engine, "settings">): Promise<FilesystemRoom> {
  const { bsize, blocks, files, ffree } = await statfs(settings.rootDirectory);
  return { sizeBytes: bsize * blocks, inodes: files, freeInodes: ffree };
}

/** One that has ended meanwhile holds nothing. */
async function usageOf(pid: number): Promise<ProcessUsage> {
  const [status, fds] = await Promise.all([
    readFile(`/proc/${pid}/status`, "utf8").catch(() => ""),
    readdir(`/proc/${pid}/fd`).catch(() => []),
  ]);
  const links = await Promise.all(fds.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => "")));
  return {
    processes: 1,
    threads: Number(/^Threads:\s*(\d+)/m.exec(status)?.[1] ?? 0),
    fileDescriptors: fds.length,
    sockets: links.filter((link) => link.startsWith("socket:")).length,
  };
}
