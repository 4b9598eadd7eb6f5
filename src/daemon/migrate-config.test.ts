import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { decodeConfig } from "./config.ts";

const ferryd = new URL("../../bin/ferryd", import.meta.url).pathname;

function run(...words: string[]): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(ferryd, words, { encoding: "utf8", timeout: 300_000 });
  return { code: status, out: stdout, err: stderr };
}

test("config migrate prints what ferryd reads, and a line for each key", async () => {
  await using directory = await temporaryDirectory("config-migrate");
  const at = (name: string) => join(directory.path, name);
  await mkdir(at("conf.d"));
  const cri = 'plugins."io.containerd.grpc.v1.cri"';
  await writeFile(
    at("config.toml"),
    `version = 2\nimports = ["conf.d/*.toml"]\n[${cri}]\nsandbox_image = "r/pause:1"\nenable_selinux = true\n`,
  );
  await writeFile(at("conf.d/1.toml"), 'version = 2\n[debug]\nlevel = "warn"\n');
  const { code, out, err } = run("config", "migrate", at("config.toml"));
  assert.equal(code, 3, "enable_selinux is lost");
  const { config, warnings } = decodeConfig(out);
  assert.deepEqual([config.cri.sandboxImage, config.daemon.logLevel, warnings], ["r/pause:1", "warn", []]);
  assert.match(
    err,
    /^kept {5}plugins\."io\.containerd\.grpc\.v1\.cri"\.sandbox_image = r\/pause:1 {2}-> cri\.sandbox_image {2}\[.*:4\]$/m,
  );
  assert.match(err, /^lost .*enable_selinux = true .*do: /m);
  assert.match(err, /^kept .*debug\.level = warn .*conf\.d\/1\.toml:3\]$/m);
  const json: unknown = JSON.parse(run("config", "migrate", "--format", "json", at("config.toml")).out);
  assert.ok(typeof json === "object" && json !== null && "ledger" in json && "config" in json);
  assert.equal(json.config, out);

  await writeFile(at("good.toml"), 'version = 2\n[debug]\nlevel = "info"\n');
  assert.equal(run("config", "migrate", at("good.toml")).code, 0);
  await writeFile(at("bad.toml"), "version = 2\n[debug\n");
  assert.match(run("config", "migrate", at("bad.toml")).err, /ferryd: .*bad\.toml: line 2, column \d+: /);
  assert.match(run("config", "migrate", at("none.toml")).err, /none\.toml: not there/);
  assert.equal(run("config", "migrate").code, 1);
  assert.equal(run("config", "migrate", "a", "b").code, 1);
});

test("config check says what is not known", async () => {
  await using directory = await temporaryDirectory("config-check");
  const file = join(directory.path, "config.toml");
  await writeFile(file, 'version = 1\n[cri]\ncolour = "blue"\n');
  const { code, err } = run("--config", file, "config", "check");
  assert.deepEqual([code, err], [1, "ferryd: config: cri.colour: not known\n"]);
  await writeFile(file, "version = 1\n");
  assert.equal(run("--config", file, "config", "check").code, 0);
});
