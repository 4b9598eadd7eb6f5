import { Code, ConnectError } from "@connectrpc/connect";
import { EngineError, errnoOf, type ErrorKind } from "#base/errors.ts";

const kinds: Readonly<Partial<Record<Code, ErrorKind>>> = {
  [Code.Canceled]: "canceled",
  [Code.InvalidArgument]: "invalidArgument",
  [Code.DeadlineExceeded]: "deadlineExceeded",
  [Code.NotFound]: "notFound",
  [Code.AlreadyExists]: "alreadyExists",
  [Code.PermissionDenied]: "permissionDenied",
  [Code.ResourceExhausted]: "resourceExhausted",
  [Code.FailedPrecondition]: "failedPrecondition",
  [Code.Aborted]: "aborted",
  [Code.OutOfRange]: "outOfRange",
  [Code.Unimplemented]: "notImplemented",
  [Code.Internal]: "internal",
  [Code.Unavailable]: "unavailable",
  [Code.DataLoss]: "dataLoss",
};

/** A call's failure in our words; a full disk is told by text alone. */
export function toEngineError(error: unknown, socketPath: string): unknown {
  if (!(error instanceof ConnectError)) return error;
  const full = /no space left on device/.test(error.rawMessage);
  const alone = ["ENOENT", "ECONNREFUSED", "EACCES"].includes(errnoOf(error.cause) ?? "");
  const kind = full ? "resourceExhausted" : alone ? "unavailable" : (kinds[error.code] ?? "unknown");
  return new EngineError(kind, `containerd ${socketPath}: ${error.rawMessage}`, { cause: error });
}
