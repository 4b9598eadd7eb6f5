import { EngineError } from "#base/errors.ts";
import type { HostFiles } from "../host/host-files.ts";

/** The socket's path on this machine, of `unix:///run/x.sock` or a plain path. @throws invalidArgument for another scheme */
export async function socketOf(files: HostFiles, endpoint: string): Promise<string> {
  const path = endpoint.replace(/^unix:\/\//, "");
  if (!path.startsWith("/")) throw new EngineError("invalidArgument", `endpoint ${endpoint}: not a unix socket`);
  return await files.locate(path);
}
