import type { Call } from "#core/call.ts";
import type { ExecSpec, TerminalSize } from "#core/tasks/runtime.ts";
import type { FdPoller } from "./fd-poller.ts";
import type { RuntimeBinary } from "./runtime-binary.ts";

export type ExecRequest = {
  readonly call: Call;
  readonly binary: RuntimeBinary;
  readonly conmonPath: string;
  readonly cgroupFiles: readonly string[];
  readonly poller: FdPoller;
  /** Of this exec alone; made and removed by it. */
  readonly directory: string;
  /** The container's, to the runtime. */
  readonly name: string;
  readonly spec: ExecSpec;
  readonly attach: { stdin: boolean; stdout: boolean; stderr: boolean; size?: TerminalSize };
};
