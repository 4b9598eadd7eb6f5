import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { hostRootOf } from "#test/support/host-root.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";

const ferry = new URL("../../../../bin/ferry", import.meta.url).pathname;

function run(...words: string[]): { code: number | null; out: string } {
  const { status, stdout } = spawnSync(ferry, ["migrate", ...words], { encoding: "utf8", timeout: 300_000 });
  return { code: status, out: stdout };
}

test("migrate convert shows, compares, writes; its exit code says what was lost", async () => {
  await using host = await hostRootOf(`
== /etc/docker/daemon.json
{"debug": true, "proxies": {"http-proxy": "http://me:secret@proxy:3128"}}
== /etc/crictl.yaml
runtime-endpoint: unix:///var/run/dockershim.sock
`);
  const root = ["--root", host.root.directory];
  const shown = run("convert", ...root);
  assert.equal(shown.code, 0);
  assert.match(shown.out, /^# \/etc\/containerd\/config\.toml /m);
  assert.match(shown.out, /^ {2}debug = true {3}\[\/etc\/docker\/daemon\.json:1\]$/m);
  assert.doesNotMatch(shown.out, /secret/);
  const diff = run("convert", ...root, "--diff").out;
  assert.match(
    diff,
    /^--- a\/etc\/crictl\.yaml\n\+\+\+ b\/etc\/crictl\.yaml\n.*\n-runtime-endpoint: unix:\/\/\/var\/run\/dockershim\.sock\n\+/m,
  );
  assert.match(diff, /^--- \/dev\/null\n\+\+\+ b\/etc\/containerd\/config\.toml$/m);

  await using directory = await temporaryDirectory("convert-out");
  assert.equal(run("convert", ...root, "--target", "ferry", "--out", directory.path).code, 0);
  const proxy = join(directory.path, "etc/systemd/system/ferryd.service.d/http-proxy.conf");
  assert.match(await readFile(proxy, "utf8"), /me:secret@proxy/);
  assert.equal((await stat(proxy)).mode & 0o777, 0o600);
  const ledger: unknown = JSON.parse(await readFile(join(directory.path, "ledger.json"), "utf8"));
  assert.ok(typeof ledger === "object" && ledger !== null && "ledger" in ledger);

  const json: unknown = JSON.parse(run("convert", ...root, "--format", "json").out);
  assert.ok(typeof json === "object" && json !== null && "files" in json && "ledger" in json);
  assert.equal(run("convert", ...root, "--target", "podman").code, 1);
  assert.equal(run("convert", ...root, "--containerd-version", "new").code, 1);
});

test("exit codes: 3 for what is lost, 4 for what is not valid", async () => {
  await using lossy = await hostRootOf('== /etc/docker/daemon.json\n{"userns-remap": "default"}\n');
  assert.equal(run("convert", "--root", lossy.root.directory).code, 3);
  await using wrong = await hostRootOf('== /etc/docker/daemon.json\n{"userns-remap": true}\n');
  assert.equal(run("convert", "--root", wrong.root.directory).code, 4);
});

test("migrate doctor finds, or brings to a later version", async () => {
  await using host = await hostRootOf(`
== /etc/containerd/config.toml
version = 2
disabled_plugins = ["io.containerd.grpc.v1.cri"]
== /etc/containerd/imports.toml
version = 2
imports = ["more.toml"]
== /etc/containerd/more.toml
version = 2
oom_score = -5
== /etc/cni/net.d/10-x.conf
{"cniVersion": "1.0.0", "type": "bridge"}
== /opt/cni/bin/bridge 0755
`);
  const root = ["--root", host.root.directory];
  const found = run("doctor", ...root, "--containerd-version", "1.7.28");
  assert.equal(found.code, 4);
  assert.match(found.out, /^BLOCKER .*containerd-cri-disabled\]\n/m);
  assert.match(found.out, /^1 blocker, 0 high, 0 medium, 0 low$/m);
  assert.equal(run("doctor", ...root, "/etc/containerd/other.toml").code, 0);
  const migrated = run("doctor", ...root, "--to", "4");
  assert.deepEqual([migrated.code, migrated.out.split("\n")[1]], [0, "version = 4"]);
  assert.equal(run("doctor", ...root, "--to", "1").code, 125);
  const alone = run("doctor", ...root, "--to", "3", "/etc/containerd/imports.toml").out;
  assert.match(alone, /^version = 3\nimports = \[ "more\.toml" \]$/m);
  const merged = run("doctor", ...root, "--to", "3", "--merge-imports", "/etc/containerd/imports.toml").out;
  assert.match(merged, /^version = 3\noom_score = -5$/m);
});
