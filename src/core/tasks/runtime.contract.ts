import { describe, test } from "node:test";
import { runtimeLifecycle } from "./runtime-lifecycle.contract.ts";
import { runtimeStreams } from "./runtime-streams.contract.ts";
import { runtimeExecs } from "./runtime-execs.contract.ts";
import { runtimeControl } from "./runtime-control.contract.ts";
import { runtimeSurvival } from "./runtime-survival.contract.ts";
import { openWorld, type RuntimeFixture, type World } from "./runtime-world.fixture.ts";

/** What every runtime keeps, with real containers from the machine's static busybox. */
export function runtimeContract(name: string, make: () => Promise<RuntimeFixture | undefined>): void {
  const run = (title: string, body: (world: World) => Promise<void>) => {
    test(title, { timeout: 300_000 }, async (t) => {
      const fixture = await make();
      if (fixture === undefined) return t.skip("needs root, busybox, conmon and an OCI runtime");
      const world = await openWorld(fixture);
      try {
        await body(world);
      } catch (error) {
        await world.clear();
        await Promise.allSettled([fixture[Symbol.asyncDispose]()]);
        throw error;
      }
      await fixture[Symbol.asyncDispose]();
    });
  };
  describe(name, () => {
    runtimeLifecycle(run);
    runtimeStreams(run);
    runtimeExecs(run);
    runtimeControl(run);
    runtimeSurvival(run);
  });
}
