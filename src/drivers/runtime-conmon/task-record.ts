import type { TaskSpec } from "#core/tasks/runtime.ts";
import type { RuntimeBinary } from "./runtime-binary.ts";

/** What must be known of a task after a restart of the daemon, also when the configuration has changed since. */
export type TaskRecord = {
  readonly version: 1;
  readonly binary: RuntimeBinary;
  readonly stdin: TaskSpec["stdin"];
  readonly tty: boolean;
  readonly logPath?: string;
  readonly logMaxBytes?: number;
  readonly logMaxFiles?: number;
};

export function toTaskRecord(spec: TaskSpec, binary: RuntimeBinary): TaskRecord {
  const { stdin, logPath, logMaxBytes, logMaxFiles } = spec;
  return {
    version: 1,
    binary,
    stdin,
    tty: spec.spec.process.terminal ?? false,
    ...(logPath !== undefined && { logPath }),
    ...(logMaxBytes !== undefined && { logMaxBytes }),
    ...(logMaxFiles !== undefined && { logMaxFiles }),
  };
}

/** Undefined for what this version did not write whole: a daemon killed halfway. */
export function parseTaskRecord(text: string): TaskRecord | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is TaskRecord {
  return typeof value === "object" && value !== null && "version" in value && value.version === 1 && "binary" in value;
}
