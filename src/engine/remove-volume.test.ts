import assert from "node:assert/strict";
import test from "node:test";
import type { ContainerMount } from "#core/containers/container-config.ts";
import { testCall } from "#test/support/call.ts";
import { fails } from "#test/support/fails.ts";
import { networkEngine } from "#test/support/network-engine.ts";
import { createVolume } from "./create-volume.ts";
import { pruneVolumes } from "./prune-volumes.ts";
import { removeVolume } from "./remove-volume.ts";

const call = testCall();

function volumeMount(name: string): ContainerMount {
  return { t: "volume", name, destination: "/data", readOnly: false, noCopy: false, anonymous: false };
}

test("a volume in use stays, with Docker's words; an unused one goes; prune takes anonymous ones", async (t) => {
  await using it = await networkEngine(t);
  if (it === undefined) return;
  const { engine } = it;
  using events = engine.events.subscribe(call.signal);
  await createVolume(call, engine, { name: "data" });
  await createVolume(call, engine, { name: "data" });
  const anonymous = await createVolume(call, engine, {});
  const user = await it.container("user", { mounts: [volumeMount("data")] });
  const taken = removeVolume(call, engine, { name: "data", force: true });
  await fails("conflict", taken, `remove data: volume is in use - [${user.id}]`);
  await createVolume(call, engine, { name: "unused" });
  assert.deepEqual((await pruneVolumes(call, engine, { all: false })).removed, [anonymous.name]);
  assert.deepEqual((await pruneVolumes(call, engine, { all: true })).removed, ["unused"]);
  await fails("notFound", removeVolume(call, engine, { name: "unused", force: false }));
  await removeVolume(call, engine, { name: "unused", force: true });
  await engine.containers.delete(call, user.id);
  await removeVolume(call, engine, { name: "data", force: false });
  const seen: string[] = [];
  for await (const { action, actorId } of events) {
    seen.push(`${action} ${actorId === anonymous.name ? "anonymous" : actorId}`.trim());
    if (seen.at(-1) === "destroy data") break;
  }
  const pruned = ["destroy anonymous", "prune", "destroy unused", "prune"];
  assert.deepEqual(seen, ["create data", "create anonymous", "create unused", ...pruned, "destroy data"]);
});
