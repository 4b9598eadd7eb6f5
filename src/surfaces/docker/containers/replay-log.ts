import type { Container } from "#core/containers/container.ts";
import { readLogBatches } from "#engine/read-logs.ts";
import type { RawConnection } from "../raw-connection.ts";
import type { RouteContext } from "../route.ts";
import { encodeLines } from "./container-logs.ts";

export type ReplayOptions = {
  readonly connection: RawConnection;
  readonly stdout: boolean;
  readonly stderr: boolean;
};

/** What a container said so far, on an attached connection. */
export async function replayLog(
  { call }: RouteContext,
  { logPath, config }: Container,
  { connection, stdout, stderr }: ReplayOptions,
): Promise<void> {
  for await (const batch of readLogBatches(call, { path: logPath, stdout, stderr, follow: false })) {
    await connection.write(encodeLines(batch, { timestamps: false, multiplexed: !config.tty }));
  }
}
