import { EngineError, kindOf, messageOf } from "#base/errors.ts";
import { DockerApiError } from "#clients/docker/api-error.ts";
import { CliError } from "./cli-error.ts";
import { warn } from "./output.ts";

/** Prints what went wrong and what to do next; answers the exit code. */
export function reportError(error: unknown, command: string): number {
  if (error instanceof CliError) {
    if (error.message !== "") warn(`ferry: ${error.message}`);
    if (error.next !== undefined) warn(`  ${error.next}`);
    return error.exitCode;
  }
  const failed = command === "run" || command === "create" ? 125 : 1;
  if (error instanceof DockerApiError) {
    warn(`Error response from daemon: ${error.message}`);
    const next = nextAfter(error, command);
    if (next !== undefined) warn(`  ${next}`);
    return failed;
  }
  if (kindOf(error) === "canceled") return 130;
  warn(`ferry: ${messageOf(error)}`);
  if (error instanceof EngineError && error.kind === "unavailable") {
    warn("  is the daemon running? systemctl status ferryd, or name another: --host unix:///path");
  } else if (!(error instanceof EngineError) && process.env["FERRY_DEBUG"] !== undefined && error instanceof Error) {
    warn(error.stack ?? "");
  }
  return failed;
}

/** Where to look, from what the daemon said. */
function nextAfter({ status, message }: DockerApiError, command: string): string | undefined {
  if (status === 404 && /no such container/i.test(message)) return "see: ferry ps -a";
  if (status === 404 && /no such image/i.test(message)) return "see: ferry images; or get it: ferry pull IMAGE";
  if (status === 404 && /network .*not found|no such network/i.test(message)) return "see: ferry network ls";
  if (status === 404 && /no such volume/i.test(message)) return "see: ferry volume ls";
  if (status === 409 && /is already in use by container/i.test(message)) {
    return "remove or rename that one (ferry rm, ferry rename), or take another name";
  }
  if (status === 409 && command === "rm") return "stop it first (ferry stop), or: ferry rm -f";
  if (/port is already allocated|address already in use/i.test(message)) return "take another port: -p PORT:…";
  if (/unauthorized|authentication required|denied/i.test(message)) return "log in: ferry login REGISTRY";
  return undefined;
}
