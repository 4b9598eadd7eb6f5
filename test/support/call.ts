import { silentLogger, type Logger } from "#base/logger.ts";
import { parseNamespace, type Call, type LeaseId } from "#core/call.ts";

/** A call as a test makes it: namespace `default`, no log, never aborted, unless said otherwise. */
export function testCall(
  options: { namespace?: string; leaseId?: LeaseId; signal?: AbortSignal; log?: Logger } = {},
): Call {
  return {
    signal: options.signal ?? new AbortController().signal,
    log: options.log ?? silentLogger,
    namespace: parseNamespace(options.namespace ?? "default"),
    ...(options.leaseId === undefined ? {} : { leaseId: options.leaseId }),
  };
}
