import assert from "node:assert/strict";
import test from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { eventuallyPasses } from "#test/support/eventually.ts";
import { requireRoot } from "#test/support/require.ts";
import { openTestImages } from "#test/support/test-images.ts";
import { CrashBed, field } from "./crash-bed.ts";
import { demandNothingLeft, readSystemState } from "./system-state.ts";

const sleeper = ["sleep", "1000"];

/** By name: how it is made, and what it is after a reboot. */
const containers = {
  plain: { policy: "no", stopped: false, after: "exited" },
  always: { policy: "always", stopped: false, after: "running" },
  stubborn: { policy: "always", stopped: true, after: "running" },
  unless: { policy: "unless-stopped", stopped: false, after: "running" },
  told: { policy: "unless-stopped", stopped: true, after: "exited" },
} as const;

test("a reboot: records recovered, policies applied, nothing left over", async (t) => {
  if (!requireRoot(t)) return;
  await using images = await openTestImages();
  await using bed = await CrashBed.create({ first: images.small, second: images.layered });
  await bed.start();
  await bed.pull(bed.image);
  await bed.call("POST", "/volumes/create", { Name: "kept" });
  for (const [name, { policy, stopped }] of Object.entries(containers)) {
    await bed.call("POST", `/containers/create?name=${name}`, {
      Image: bed.image,
      Cmd: ["sh", "-c", `echo from ${name} >> /data/log; exec ${sleeper.join(" ")}`],
      HostConfig: { RestartPolicy: { Name: policy }, Binds: ["kept:/data"] },
    });
    await bed.call("POST", `/containers/${name}/start`);
    if (stopped) await bed.call("POST", `/containers/${name}/stop?t=0`);
  }
  await bed.call("POST", `/containers/create?name=untouched`, { Image: bed.image, Cmd: sleeper });
  await bed.kill();
  await bed.reboot();
  await bed.start();

  for (const [name, { after }] of Object.entries(containers)) await becomes(bed, name, after);
  await becomes(bed, "untouched", "created");
  const plain = await bed.call("GET", "/containers/plain/json");
  assert.equal(field(plain, "State", "ExitCode"), 255);
  assert.equal(field(plain, "NetworkSettings", "IPAddress"), "");
  const before = await readSystemState(bed);
  assert.equal(before.linuxNamespaces.length, 3);
  assert.equal(before.addresses.filter((path) => /leases/.test(path)).length, 3);
  assert.equal(await bed.execute("always", ["sh", "-c", "test $(grep -c always /data/log) = 2"]), 0);

  for (const name of [...Object.keys(containers), "untouched"]) await bed.call("DELETE", `/containers/${name}?force=1`);
  await bed.call("DELETE", "/volumes/kept");
  await eventuallyPasses(async () => demandNothingLeft(await readSystemState(bed)));
});

async function becomes(bed: CrashBed, name: string, wanted: string): Promise<void> {
  for (let tries = 0; ; tries++) {
    const now = field(await bed.call("GET", `/containers/${name}/json`), "State", "Status");
    if (now === wanted) return;
    assert.ok(tries < 1_200, `${name} is ${String(now)}, not ${wanted}, after a minute`);
    await sleep(50);
  }
}
