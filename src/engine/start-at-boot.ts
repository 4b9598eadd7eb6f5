import { Limiter } from "#base/limiter.ts";
import { isKind } from "#base/errors.ts";
import type { Container } from "#core/containers/container.ts";
import type { Engine } from "./engine.ts";
import { restartsAtBoot } from "./restart-policy.ts";
import { restartByPolicy, startContainer } from "./start-container.ts";

/** Starts at a time: enough to keep the machine busy, few enough that each is up well before it would be given up. */
const maxStarts = 8;

/**
 * Starts what restart policies want up, in the background: a few at a time, in the order of creation, and a container
 * that lives in another's linux namespaces after that one. Returns at once.
 */
export function startAtBoot(engine: Engine, containers: readonly Container[]): void {
  const places = new Limiter(maxStarts);
  const tried = new Map<string, Promise<void>>();
  // Whoever is joined was there first, so this order has every target before those who join it.
  for (const container of containers.filter(isDue).toSorted(byCreation)) {
    const targets = joined(container).flatMap((id) => tried.get(id) ?? []);
    tried.set(container.id, startSoon(engine, container, places, targets));
  }
}

function isDue({ status, config }: Container): boolean {
  return status.state === "restarting" || (status.state === "exited" && restartsAtBoot(config.restart, status));
}

function byCreation(a: Container, b: Container): number {
  return Number(a.createdAtNs - b.createdAtNs);
}

function joined({ config }: Container): string[] {
  return Object.values(config.linuxNamespaces).flatMap((mode) => (mode.t === "container" ? [mode.containerId] : []));
}

/** Settles when the start was tried. */
function startSoon(
  engine: Engine,
  container: Container,
  places: Limiter,
  after: readonly Promise<void>[],
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  engine.supervisor.spawn(container, "start at boot", async (call) => {
    try {
      await Promise.all(after);
      using _place = await places.acquire(call.signal);
      if (container.status.state === "restarting") await restartByPolicy(call, engine, container.id);
      else await startContainer(call, engine, container.id);
    } catch (error) {
      if (!isKind(error, "notModified")) throw error;
    } finally {
      resolve();
    }
  });
  return promise;
}
