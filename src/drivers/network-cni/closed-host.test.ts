import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import test from "node:test";
import { promisify } from "node:util";
import { requireBinary, requireRoot } from "#test/support/require.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";

const execute = promisify(execFile);

test("a host that forwards nothing by itself: containers get out under its address, only published ports get in", async (t) => {
  if (!requireRoot(t) || !requireBinary(t, "bridge", "iptables", "ip", "unshare", "nsenter", "socat")) return;
  await using directory = await temporaryDirectory("closed");
  const fixture = join(import.meta.dirname, "closed-host.fixture.ts");
  const host = "mount -t sysfs sysfs /sys && ip link set lo up && iptables -P FORWARD DROP";
  const script = `${host} && exec "$0" --conditions=source "$1" "$2"`;
  const argv = ["--net", "--mount", "sh", "-c", script, process.execPath, fixture, directory.path];
  const { stdout } = await execute("unshare", argv, { timeout: 300_000 });
  assert.deepEqual(JSON.parse(stdout), {
    containerReachesNeighbourAs: "192.0.2.1",
    neighbourReachesPublishedPort: true,
    neighbourReachesContainerItself: "nothing",
    internalReachesNeighbour: "nothing",
    left: [],
  });
});
