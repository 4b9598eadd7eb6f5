import assert from "node:assert/strict";
import test from "node:test";
import { requireBinary, requireRoot } from "../require.ts";
import { eventuallyEqual } from "../eventually.ts";
import { TestNode } from "./test-node.ts";

const napping = `[Unit]
Description=A service that naps
[Service]
Environment=HOW=long
EnvironmentFile=-/etc/default/nap
ExecStart=/bin/sh -c "echo $HOW \${LENGTH}; exec sleep $HOW_LONG 600"
[Install]
WantedBy=multi-user.target
`;

test("units of a test node are started, enabled, overridden and told of", async (t) => {
  if (!requireRoot(t) || !requireBinary(t, "unshare", "nsenter", "tini", "socat")) return;
  await using node = await TestNode.create("napper");
  await node.write("/etc/systemd/system/nap.service", napping);
  await node.write("/etc/default/nap", "LENGTH='very long'\n");
  await node.write(
    "/etc/systemd/system/broken.service",
    "[Service]\nExecStart=/bin/sh -c 'echo no good >&2; exit 3'\n",
  );
  await node.write(
    "/etc/systemd/system/needy.service",
    "[Unit]\nRequires=nap.service\n[Service]\nExecStart=/bin/sleep 600\n",
  );
  await node.boot();
  const state = async (unit: string) => (await node.try(["systemctl", "is-active", unit])).stdout.trim();

  assert.equal(await state("nap"), "inactive");
  await node.run("systemctl", "enable", "--now", "nap");
  assert.equal(await state("nap"), "active");
  assert.equal((await node.run("systemctl", "is-enabled", "nap")).trim(), "enabled");
  await eventuallyEqual(async () => await node.run("journalctl", "--unit", "nap.service"), "long very long\n");

  await node.write("/etc/systemd/system/nap.service.d/10-how.conf", "[Service]\nEnvironment=HOW=short\n");
  await node.run("systemctl", "restart", "nap");
  await eventuallyEqual(
    async () => (await node.run("journalctl", "-u", "nap.service", "-n", "1")).trim(),
    "long very long",
  );
  await node.run("systemctl", "daemon-reload");
  await node.run("systemctl", "restart", "nap");
  await eventuallyEqual(
    async () => (await node.run("journalctl", "-u", "nap.service", "-n", "1")).trim(),
    "short very long",
  );

  await node.run("systemctl", "start", "needy");
  await node.run("systemctl", "stop", "nap");
  assert.equal(await state("needy"), "inactive");

  await node.run("systemctl", "start", "broken");
  await eventuallyEqual(async () => await state("broken"), "failed");
  assert.match(await node.run("journalctl", "-u", "broken.service"), /no good\nMain process exited, status=3/);
  await node.run("systemd-run", "--unit", "once", "sh", "-c", "exit 4");
  await eventuallyEqual(async () => await state("once"), "failed");
  assert.match((await node.try(["systemd-run", "--unit", "once", "true"])).stderr, /was already loaded/);
  await node.run("systemctl", "reset-failed", "once.service");
  await node.run("systemd-run", "--unit", "once", "true");
  const masked = await node.try(["sh", "-c", "systemctl mask needy.service; systemctl is-enabled no-such"]);
  assert.match(masked.stderr, /Failed to mask unit: File .* already exists[\s\S]*Failed to get unit file state/);
});

test("docker.socket starts Docker when somebody asks, and stopping only the service does not keep it stopped", async (t) => {
  if (!requireRoot(t) || !requireBinary(t, "unshare", "nsenter", "tini", "socat", "dockerd", "containerd")) return;
  await using node = await TestNode.create("socketed");
  await node.write("/etc/docker/daemon.json", JSON.stringify({ "cgroup-parent": node.cgroupParent }));
  await node.enable("docker.socket", "/lib/systemd/system/docker.socket", "sockets.target");
  await node.boot();
  const docker = ["curl", "--silent", "--unix-socket", "/var/run/docker.sock", "http://docker/_ping"];
  const state = async (unit: string) => (await node.try(["systemctl", "is-active", unit])).stdout.trim();

  assert.equal(await state("docker.service"), "inactive");
  assert.equal(await node.run(...docker), "OK");
  assert.equal(await state("docker.service"), "active");
  assert.equal(await state("containerd.service"), "active");
  const { stderr } = await node.try(["systemctl", "stop", "docker.service"]);
  assert.match(stderr, /can still be activated by:\n {2}docker.socket/);
  assert.equal(await node.run(...docker), "OK");
  await node.run("systemctl", "stop", "docker.service", "docker.socket");
  assert.notEqual((await node.try(docker)).code, 0);
  assert.equal(await state("docker.service"), "inactive");
});
