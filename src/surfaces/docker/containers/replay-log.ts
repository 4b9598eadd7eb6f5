import type { Container } from "#core/containers/container.ts";
import type { RawConnection } from "../raw-connection.ts";
import type { RouteContext } from "../route.ts";

export type ReplayOptions = {
  readonly connection: RawConnection;
  readonly stdout: boolean;
  readonly stderr: boolean;
};

/** What a container said so far, on an attached connection. */
export async function replayLog(
  _context: RouteContext,
  _container: Container,
  _options: ReplayOptions,
): Promise<void> {}
