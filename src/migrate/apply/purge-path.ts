import { readdir } from "node:fs/promises";
import { EngineError, messageOf } from "#base/errors.ts";
import { findMount, isWithin, readMountTable, type MountEntry } from "#base/mount-table.ts";
import type { Call } from "../call.ts";
import { isAbsent } from "../host/host-files.ts";
import type { StepContext } from "./step-run.ts";

/**
 * Removes a tree for good, and nothing that is mounted in it: what Docker left mounted there, a volume of another host
 * perhaps, is unmounted first. A tree that is a filesystem of its own is emptied.
 *
 * @throws failedPrecondition naming the mount that is still in use
 */
export async function purgePath(call: Call, context: StepContext, path: string): Promise<void> {
  const target = await context.files.locate(path, "keep");
  const leadsTo = await context.files.locate(path);
  if (leadsTo !== target) context.tell(`${path} leads to ${leadsTo}, which is left: remove it if nothing else uses it`);
  for (const { point } of (await mountsWithin(target)).reverse()) await unmount(call, context, path, point);
  const isOwn = await isFilesystem(target);
  const doomed = isOwn ? (await list(target)).map((name) => `${target}/${name}`) : [target];
  if (doomed.length > 0) await context.commands.run(call, [...remove, ...doomed]);
  const left = "is a filesystem of its own: emptied; take it out of /etc/fstab";
  context.tell(isOwn ? `${path} ${left}` : `removed ${path}`);
}

/** Whether nothing is left to remove. */
export async function isPurged({ files }: StepContext, path: string): Promise<boolean> {
  if (!(await files.exists(path))) return true;
  const target = await files.locate(path, "keep");
  return (await isFilesystem(target)) && (await list(target)).length === 0;
}

/** It stays on the filesystem where it began, whatever is mounted meanwhile. */
const remove = ["rm", "--recursive", "--force", "--one-file-system", "--"];

/**
 * What is mounted below it, and itself on itself, as Docker mounts its root. In the order in which they were made.
 *
 * Source: moby `daemon/daemon_unix.go`, setupDaemonRootPropagation
 */
async function mountsWithin(target: string): Promise<MountEntry[]> {
  const table = await readMountTable();
  const outer = findMount(
    table.filter(({ point }) => !isWithin(target, point)),
    target,
  );
  return table.filter(
    ({ point, device }) => isWithin(target, point) && (point !== target || device === outer?.mount.device),
  );
}

async function isFilesystem(target: string): Promise<boolean> {
  return (await readMountTable()).some(({ point }) => point === target);
}

async function unmount(call: Call, { commands, tell }: StepContext, path: string, point: string): Promise<void> {
  try {
    await commands.run(call, ["umount", point]);
    tell(`unmounted ${point}`);
  } catch (error) {
    const text = `purge of ${path}: ${point} is mounted: ${messageOf(error)}\nunmount it, then purge goes on`;
    throw new EngineError("failedPrecondition", text, { cause: error });
  }
}

/** `lost+found` is the filesystem's. */
async function list(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).filter((name) => name !== "lost+found");
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}
