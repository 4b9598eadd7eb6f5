import type { Readable, Writable } from "node:stream";
import type { UnixNs } from "#base/clock.ts";
import type { Call, Namespace } from "#core/call.ts";
import type { ContainerId } from "#core/containers/container.ts";
import type { OciProcess, OciResources, OciSpec } from "./oci-spec.ts";
import type { TaskStats } from "./task-stats.ts";

export type TaskRef = { readonly namespace: Namespace; readonly containerId: ContainerId };

export type TaskSpec = TaskRef & {
  /** Names the runtime binary and its options; see `features`. Undefined is the default one. */
  readonly runtimeHandler?: string;
  readonly spec: OciSpec;
  readonly stdin: "none" | "open" | "once";
  /** CRI-format log; undefined writes none. */
  readonly logPath?: string;
  /** Rotate when the file is larger; undefined never. */
  readonly logMaxBytes?: number;
  /** Files kept, the one written to included; 1 when left out. Rotated ones are `<logPath>.<n>`, the higher the newer. */
  readonly logMaxFiles?: number;
};

export type TaskExit = {
  /** 0 to 255; 128 + signal when killed by one. */
  readonly exitCode: number;
  readonly exitedAtNs: UnixNs;
  readonly oomKilled: boolean;
  /** Why the code is not the process's own: its monitor died. */
  readonly error?: string;
};

export type TaskState = "created" | "running" | "paused" | "stopped";

export type TerminalSize = { readonly width: number; readonly height: number };

/** Live streams of a process. Disposing detaches; it does not end the process. */
export interface TaskStreams extends AsyncDisposable {
  /** Absent when the process was made without stdin. `end()` closes the process's stdin where it was opened `once`. */
  readonly stdin?: Writable;
  /** With a terminal, all output; ends when the process has ended and all was read. */
  readonly stdout: Readable;
  /** Empty with a terminal. */
  readonly stderr: Readable;
}

export type ExecSpec = {
  /** Unique in the container: 64 hex digits. */
  readonly execId: string;
  readonly process: OciProcess;
  readonly stdin: boolean;
};

/** A further process in a task. */
export interface ExecProcess {
  readonly execId: string;
  /** Known once started. */
  readonly pid: number;
  /** Present when asked for at start. */
  readonly streams?: TaskStreams;
  wait(call: Call): Promise<TaskExit>;
  kill(call: Call, signal: string): Promise<void>;
  /** @throws failedPrecondition without a terminal */
  resize(call: Call, size: TerminalSize): Promise<void>;
}

/** The running process of a container, under a monitor that outlives the daemon. */
export interface Task {
  readonly ref: TaskRef;
  readonly pid: number;
  /** As far as known now, without I/O. */
  readonly exit: TaskExit | undefined;

  /** Runs the process. @throws notFound (exit code 127) or permissionDenied (126) when the command is missing or cannot be executed, where `create` did not say so already; invalidArgument with the runtime's text otherwise */
  start(call: Call): Promise<void>;
  state(call: Call): Promise<TaskState>;
  /** `signal` by name (`SIGTERM`) or number. @throws notFound when the process is gone */
  kill(call: Call, signal: string, options?: { all?: boolean }): Promise<void>;
  pause(call: Call): Promise<void>;
  resume(call: Call): Promise<void>;
  update(call: Call, resources: OciResources): Promise<void>;
  /** Settles when the process has ended; its output is in the log by then. Aborting ends the wait only. */
  wait(call: Call): Promise<TaskExit>;
  /** @throws failedPrecondition when not running */
  exec(
    call: Call,
    spec: ExecSpec,
    attach: { stdin: boolean; stdout: boolean; stderr: boolean; size?: TerminalSize },
  ): Promise<ExecProcess>;
  /** Live output from now on, and stdin. Several may be attached. @throws failedPrecondition after the end */
  attach(call: Call, options: { stdin: boolean; stdout: boolean; stderr: boolean }): Promise<TaskStreams>;
  resize(call: Call, size: TerminalSize): Promise<void>;
  /** Pids in the host's view. */
  pids(call: Call): Promise<number[]>;
  stats(call: Call): Promise<TaskStats>;
  /**
   * Somebody moved the log away (kubelet): settles when the process's output goes to a new file at its path. Without
   * effect when it goes there already.
   *
   * @throws failedPrecondition when it does not run or has no log
   */
  reopenLog(call: Call): Promise<void>;
  /** Removes what the runtime and the monitor keep of it; kills what is left with `force`. Idempotent. */
  delete(call: Call, options?: { force?: boolean }): Promise<void>;
}

export type RuntimeFeatures = {
  /** Handler's name. */
  readonly name: string;
  /** Why this binary was chosen, for `info` and the log. */
  readonly reason: string;
  readonly path: string;
  readonly version: string;
  readonly ociVersion: string;
  readonly cgroupVersion: 1 | 2;
  readonly cgroupDriver: "cgroupfs" | "systemd";
  readonly seccomp: boolean;
  readonly recursiveReadOnly: boolean;
  readonly userNamespaces: boolean;
  /** A pod's sandbox must be a process of its own, the first in it: runtimes that make a machine around the pod. */
  readonly sandboxProcess: boolean;
};

/** Runs OCI bundles under monitors that write logs and exit codes without the daemon. */
export interface Runtime {
  readonly defaultHandler: string;
  features(): readonly RuntimeFeatures[];
  /** A process will be made in a moment, by `create` or in a task: what takes a while and leaves nothing behind may begin. */
  expect(): void;
  /**
   * Makes the bundle, the monitor and the process, not started. `spec.root.path` is mounted already.
   * On failure nothing is left.
   *
   * @throws notFound (exit code 127) or permissionDenied (126) when the command is missing or cannot be executed
   * @throws invalidArgument with the runtime's text for what else it refuses
   */
  create(call: Call, spec: TaskSpec): Promise<Task>;
  /** The task of a container, ended ones too until they are deleted. Survives a restart of the daemon. */
  find(call: Call, ref: TaskRef): Promise<Task | undefined>;
  /** Every namespace's. */
  list(): Promise<TaskRef[]>;
  /** At start: takes up the tasks that live, learns the exits that happened meanwhile, clears half-made ones. */
  recover(call: Call): Promise<void>;
  /** Directory of a container's bundle, for the files that are mounted into it; created by the caller. */
  bundlePath(ref: TaskRef): string;
}
