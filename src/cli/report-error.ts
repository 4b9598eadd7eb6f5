import { EngineError, type ErrorKind, kindOf, messageOf } from "#base/errors.ts";
import { DockerApiError } from "#clients/docker/api-error.ts";
import { KubernetesError } from "#clients/kubernetes/api-error.ts";
import { CliError } from "./cli-error.ts";
import { fileProblem, isDenied } from "./file-problem.ts";
import { nextStep } from "./next-step.ts";
import { warn } from "./output.ts";

/** Prints what went wrong and what to do next; answers the exit code. */
export function reportError(error: unknown, command: string): number {
  if (error instanceof CliError) {
    if (error.message !== "") warn(`ferry: ${error.message}`);
    // 125 says that the words of the command are wrong.
    const next =
      error.next ?? (error.exitCode === 125 && error.message !== "" ? `see: ferry ${command} --help` : undefined);
    if (next !== undefined) warn(`  ${next}`);
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
  warn(`ferry: ${fileProblem(error) ?? messageOf(error)}`);
  const asksDaemon = !command.startsWith("migrate ") || command === "migrate images";
  const next = error instanceof KubernetesError ? nextOfCluster[error.kind] : undefined;
  if (next !== undefined) {
    warn(`  ${next}`);
  } else if (error instanceof EngineError && error.kind === "unavailable" && asksDaemon) {
    warn("  is the daemon running? systemctl status ferryd, or name another: --host unix:///path");
  } else if (isDenied(error) && process.getuid?.() !== 0) {
    warn(`  this is root's on most machines: sudo ferry ${command}`);
  } else if (!(error instanceof EngineError) && process.env["FERRY_DEBUG"] !== undefined && error instanceof Error) {
    warn(error.stack ?? "");
  }
  return failed;
}

/** Where to look, from what the daemon said. */
function nextAfter({ status, message }: DockerApiError, command: string): string | undefined {
  if (status === 409 && command === "rm") return "stop it first (ferry stop), or: ferry rm -f";
  return nextStep(message) ?? (status === 400 ? `see: ferry ${command} --help` : undefined);
}

/** What to do about an API server's refusal, or its silence. */
const nextOfCluster: Partial<Readonly<Record<ErrorKind, string>>> = {
  unavailable: "does kubectl reach it? name another: --kubeconfig FILE, --context NAME",
  unauthenticated: "it does not know these credentials: log in anew, or name others: --kubeconfig FILE, --context NAME",
  permissionDenied: "the rights that a command needs: its --print-rbac",
};
