import { join } from "node:path";
import type { TaskRef } from "#core/tasks/runtime.ts";

/** Files of one task. What is beside them in the bundle belongs to the caller. */
export type TaskPaths = {
  readonly bundle: string;
  readonly config: string;
  readonly record: string;
  readonly pid: string;
  readonly monitorPid: string;
  /** Exit code in digits, by the monitor. */
  readonly exit: string;
  /** Present when the kernel killed for want of memory. */
  readonly oom: string;
  readonly attach: string;
  readonly control: string;
  readonly execs: string;
};

/** The name that runtime and monitor know a task by: ids are unique in a namespace only, and hold no dot. */
export function taskName(ref: TaskRef): string {
  return `${ref.namespace}.${ref.containerId}`;
}

export function bundlePath(stateDirectory: string, ref: TaskRef): string {
  return join(stateDirectory, "containers", ref.namespace, ref.containerId);
}

export function taskPaths(bundle: string): TaskPaths {
  return {
    bundle,
    config: join(bundle, "config.json"),
    record: join(bundle, "task.json"),
    pid: join(bundle, "pid"),
    monitorPid: join(bundle, "monitor.pid"),
    exit: join(bundle, "exit"),
    oom: join(bundle, "oom"),
    attach: join(bundle, "attach"),
    control: join(bundle, "ctl"),
    execs: join(bundle, "exec"),
  };
}

/** Everything that this driver or the monitor puts in a bundle, the record last: it is what recovery goes by. */
export function ownFiles(paths: TaskPaths): string[] {
  const { bundle, config, pid, monitorPid, exit, oom, attach, control, execs, record } = paths;
  return [
    config,
    pid,
    monitorPid,
    exit,
    oom,
    attach,
    control,
    join(bundle, "winsz"),
    join(bundle, "runtime.log"),
    execs,
    record,
  ];
}
