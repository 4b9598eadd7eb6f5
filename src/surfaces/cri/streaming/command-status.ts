import type { StatusFormat } from "./command-connection.ts";

/** How a command ended, for its client. */
export type CommandStatus =
  | { readonly t: "success" }
  | { readonly t: "exited"; readonly exitCode: number; readonly args: readonly string[] }
  | { readonly t: "failed"; readonly message: string };

/**
 * What the error channel says at the end of a command; undefined: nothing.
 *
 * Source: `v1.Status` of Kubernetes' API conventions; the reason `NonZeroExitCode` and the cause `ExitCode` are what
 * kubectl and the kubelet's probes take the exit code from.
 */
export function formatCommandStatus(status: CommandStatus, format: StatusFormat): string | undefined {
  const json = toStatus(status);
  if (format === "json") return JSON.stringify({ metadata: {}, ...json });
  return "message" in json ? json.message : undefined;
}

function toStatus(status: CommandStatus) {
  switch (status.t) {
    case "success":
      return { status: "Success" };
    case "exited":
      return {
        status: "Failure",
        message:
          "command terminated with non-zero exit code: " +
          `error executing command [${status.args.join(" ")}], exit code ${status.exitCode}`,
        reason: "NonZeroExitCode",
        details: { causes: [{ reason: "ExitCode", message: String(status.exitCode) }] },
      };
    case "failed":
      return {
        status: "Failure",
        message: `Internal error occurred: ${status.message}`,
        reason: "InternalError",
        code: 500,
      };
    default:
      return status satisfies never;
  }
}
