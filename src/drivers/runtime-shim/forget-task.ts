import { setTimeout as sleep } from "node:timers/promises";
import type { Call } from "#core/call.ts";
import { cleanUpAfterShim, removeSocket, type ShimInvocation } from "./shim-process.ts";
import type { ShimAddress, TaskClient } from "./task-client.ts";

/** How long a shim that was told to end may take. */
const graceMs = 1_000;

/** The shim lets go of an ended container, and ends when it was its last. */
export async function forgetTask(call: Call, client: TaskClient, address: ShimAddress): Promise<void> {
  await client.delete(call).catch(() => {});
  await client.shutdown(call).catch(() => {});
  const ended = client.connection.closed.then(() => true);
  const alone = await Promise.race([ended, sleep(graceMs, false)]);
  client.close();
  if (alone) await removeSocket(address);
}

/** The container of a dead shim goes, and what the shim had. */
export async function removeAfterShim(
  call: Call,
  invocation: ShimInvocation,
  address: ShimAddress | undefined,
): Promise<void> {
  await cleanUpAfterShim(call, invocation);
  if (address !== undefined) await removeSocket(address);
}
