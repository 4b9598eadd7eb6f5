import { EngineError } from "#base/errors.ts";

/** Writing a process out and reading it in again needs CRIU under the monitor, which there is not. @throws notImplemented */
export async function checkpointContainer(): Promise<never> {
  throw new EngineError("notImplemented", "checkpoint of a container: not supported");
}

/** @throws notImplemented */
export async function checkpointPod(): Promise<never> {
  throw new EngineError("notImplemented", "checkpoint of a pod: not supported");
}

/** @throws notImplemented */
export async function restorePod(): Promise<never> {
  throw new EngineError("notImplemented", "restoring a pod: not supported");
}
