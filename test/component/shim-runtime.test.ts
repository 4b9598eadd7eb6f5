import assert from "node:assert/strict";
import test from "node:test";
import { createContainer } from "#engine/create-container.ts";
import { defaultContainerConfig } from "#engine/default-container-config.ts";
import { removeContainer } from "#engine/remove-container.ts";
import { startContainer } from "#engine/start-container.ts";
import { waitContainer } from "#engine/wait-container.ts";
import { requireBinary, requireRoot } from "#test/support/require.ts";
import { openTestDaemon } from "./daemon-fixture.ts";

const config = `
[runtimes.shimmed]
runtime_type = "io.containerd.runc.v2"
[runtimes.shimmed.options]
BinaryName = "runc"
`;

test("a handler that is a shim runs a container beside the others, across a restart of the daemon", async (t) => {
  if (!requireRoot(t) || !requireBinary(t, "containerd-shim-runc-v2", "runc")) return;
  await using daemon = await openTestDaemon({ config });
  const names = daemon.engine.runtime.features().map(({ name }) => name);
  assert.ok(names.includes("shimmed") && names.length === 2);
  const create = (runtimeHandler: string, args: string[]) =>
    createContainer(daemon.call, daemon.engine, {
      imageReference: daemon.image,
      config: { ...defaultContainerConfig, args },
      labels: {},
      extensions: {},
      runtimeHandler,
    });
  const shimmed = await create("shimmed", ["sh", "-c", "echo first; sleep 2; echo last; exit 5"]);
  const plain = await create(daemon.engine.runtime.defaultHandler, ["true"]);
  await startContainer(daemon.call, daemon.engine, shimmed.id);
  const { exited } = await waitContainer(daemon.call, daemon.engine, plain.id, "next-exit");
  await startContainer(daemon.call, daemon.engine, plain.id);
  assert.equal((await exited).exitCode, 0);
  await daemon.restart();
  const { call, engine } = daemon;
  const end = await waitContainer(call, engine, shimmed.id, "not-running");
  assert.equal((await end.exited).exitCode, 5);
  assert.deepEqual((await daemon.logOf(shimmed)).trim().split("\n"), ["first", "last"]);
  await removeContainer(call, engine, { container: shimmed.id, force: false, removeVolumes: true });
});
