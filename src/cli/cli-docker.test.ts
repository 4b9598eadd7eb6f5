import test from "node:test";
import { openDockerEngine } from "#test/support/docker-engine.ts";
import { requireBinary, requireRoot } from "#test/support/require.ts";
import { cliContract } from "./cli.contract.ts";

test("the command line against a Docker Engine", { timeout: 600_000 }, async (t) => {
  if (!requireRoot(t) || !requireBinary(t, "dockerd", "containerd", "runc", "script", "busybox")) return;
  const engine = await openDockerEngine();
  if (engine.host === undefined) {
    t.skip(`dockerd does not run here: ${engine.why}`);
    return;
  }
  await using _engine = engine;
  await cliContract(t, engine.host);
});
