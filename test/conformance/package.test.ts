import assert from "node:assert/strict";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import test, { type TestContext } from "node:test";
import { startDebianRegistry } from "#test/support/debian-registry.ts";
import { FerryBed, runToEnd } from "#test/support/ferry-bed.ts";
import { command } from "#test/support/processes.ts";
import { findBinary, requireBinary, requireRoot } from "#test/support/require.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { imageLayout } from "#test/support/test-images.ts";

const checkout = new URL("../..", import.meta.url).pathname;

/** As a user's shell has it: this machine's own npm and Node, not those that `npm test` puts before them. */
const env: NodeJS.ProcessEnv = {
  ...Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^npm_|^NODE_TEST_CONTEXT$|^NODE_COMPILE_CACHE$/i.test(name)),
  ),
  PATH: (process.env["PATH"] ?? "")
    .split(delimiter)
    .filter((directory) => !directory.includes("node_modules"))
    .join(delimiter),
};

function able(t: TestContext): boolean {
  const tools = ["npm", "tar", "docker-registry", "skopeo", "umoci", "conmon", "bash"];
  return requireRoot(t) && requireBinary(t, ...tools);
}

test("the packed tarball, installed by the machine's npm, runs containers", { timeout: 1_000_000 }, async (t) => {
  if (!able(t)) return;
  await using directory = await temporaryDirectory("package");
  const tarball = await pack(directory.path);
  await t.test("it holds what runs and nothing of sources or tests", async () => await checkContents(tarball));
  const prefix = join(directory.path, "prefix");
  await command(["npm", "install", "-g", "--no-audit", "--no-fund", "--prefix", prefix, tarball], env);
  const bin = join(prefix, "bin");
  const { version } = JSON.parse(await readFile(join(checkout, "package.json"), "utf8")) as { version: string };
  assert.equal(await command([join(bin, "ferry"), "--version"], env), `ferry version ${version}\n`);
  assert.equal(await command([join(bin, "ferryd"), "--version"], env), `ferryd ${version}\n`);
  await t.test("a container end to end", async (t) => await runContainer(t, bin, directory.path));
  await t.test("the completion script completes", async () => await completes(bin));
  await t.test("the systemd unit is valid", async (t) => await verifyUnit(t, prefix, directory.path));
});

async function pack(destination: string): Promise<string> {
  const argv = ["npm", "pack", "--silent", "--pack-destination", destination];
  const { code, stderr } = await runToEnd(argv, { env, cwd: checkout });
  assert.equal(code, 0, stderr);
  const name = (await readdir(destination)).find((name) => name.endsWith(".tgz"));
  return join(destination, name ?? "");
}

async function checkContents(tarball: string): Promise<void> {
  const names = (await command(["tar", "-tzf", tarball])).trim().split("\n");
  const tops = new Set(names.map((name) => name.split("/")[1]));
  const wanted = ["bin", "completions", "dist", "packaging", "package.json", "README.md", "LICENSE", "CHANGELOG.md"];
  assert.deepEqual(tops, new Set(wanted));
  const strange = names.filter((name) => /\.ts$|\.(test|contract|fixture)\.|\/(test|src)\//.test(name));
  assert.deepEqual(strange, []);
  const { size } = await stat(tarball);
  assert.ok(size < 1 << 20, `${size} bytes`);
}

async function runContainer(t: TestContext, bin: string, directory: string): Promise<void> {
  await using registry = await startDebianRegistry();
  await using ferry = await FerryBed.open({ bin });
  assert.match(
    await readFile(`/proc/${ferry.pid}/cmdline`, "latin1"),
    /prefix\/lib\/node_modules\/.*\/dist\/daemon\/main/,
  );
  await registry.skopeo("copy", `oci:${await imageLayout(directory)}:small`, "docker://@/busybox:1");
  const image = `${registry.host}/busybox:1`;
  await ferry.run("pull", "-q", image);
  assert.equal(await ferry.run("run", "--rm", image, "echo", "hello"), "hello");
  await ferry.run("run", "-d", "--name", "web", image, "sh", "-c", "echo up; exec sleep 1000");
  assert.equal(await ferry.run("exec", "web", "echo", "inside"), "inside");
  assert.equal(await ferry.run("logs", "web"), "up");
  await ferry.run("ps");
  const start = performance.now();
  assert.equal(await ferry.run("ps", "--format", "{{.Names}}"), "web");
  t.diagnostic(`ferry ps: ${(performance.now() - start).toFixed(0)} ms`);
  await ferry.run("rm", "-f", "web");
}

async function completes(bin: string): Promise<void> {
  const script = `source <("${bin}/ferry" completion bash); COMP_WORDS=(ferry imag); COMP_CWORD=1; COMP_LINE="ferry imag";
    COMP_POINT=10; $(complete -p ferry | sed 's/.*-F \\([^ ]*\\).*/\\1/') ferry imag ferry; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const path = `${bin}${delimiter}${env["PATH"]}`;
  const { stdout, stderr } = await runToEnd(["bash", "-c", script], { env: { ...env, PATH: path } });
  assert.deepEqual(
    stdout
      .split("\n")
      .map((word) => word.trim())
      .filter(Boolean)
      .sort(),
    ["image", "images"],
    stderr,
  );
}

async function verifyUnit(t: TestContext, prefix: string, directory: string): Promise<void> {
  if (findBinary("systemd-analyze") === undefined) return t.skip("needs systemd-analyze");
  const unit = await readFile(join(prefix, "lib/node_modules/ferry-runtime/packaging/ferryd.service"), "utf8");
  // systemd looks for the command in directories of its own, where this prefix is not.
  assert.match(unit, /^ExecStart=ferryd$/m);
  const path = join(directory, "ferryd.service");
  await writeFile(path, unit.replace("ExecStart=ferryd", `ExecStart=${prefix}/bin/ferryd`));
  const { code, stderr } = await runToEnd(["systemd-analyze", "verify", path]);
  assert.deepEqual([code, stderr], [0, ""]);
}
