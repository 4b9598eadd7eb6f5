import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { symlink, cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";

const ferry = new URL("../../bin/ferry", import.meta.url).pathname;
const image = "ferry-cli-test:1";

type Result = { code: number | null; out: string; err: string };

/**
 * Runs `bin/ferry` against a host; `terminal` puts it behind a real pty, where `err` is part of
 * `out`. There, `input` is typed, and `killWith` is sent anywhere, when the output says `ready`.
 */
export async function runFerry(
  host: string,
  words: readonly string[],
  options: {
    input?: string;
    terminal?: { rows: number; columns: number };
    env?: NodeJS.ProcessEnv;
    killWith?: NodeJS.Signals;
  } = {},
): Promise<Result> {
  const quoted = [ferry, ...words].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
  const { terminal } = options;
  const [file, args] =
    terminal === undefined
      ? [ferry, words]
      : ["script", ["-qec", `stty rows ${terminal.rows} cols ${terminal.columns}; exec ${quoted}`, "/dev/null"]];
  const child = spawn(file, args, { env: { ...process.env, FERRY_HOST: host, ...options.env } });
  const result: Result = { code: null, out: "", err: "" };
  let isReady = false;
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    result.out += text;
    if (isReady || !result.out.includes("ready")) return;
    isReady = true;
    if (options.killWith !== undefined) child.kill(options.killWith);
    if (terminal !== undefined) child.stdin.write(options.input ?? "");
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => (result.err += text));
  child.stdin.on("error", () => undefined);
  if (terminal === undefined) child.stdin.end(options.input ?? "");
  const { promise, resolve } = Promise.withResolvers<number | null>();
  child.on("close", resolve);
  result.code = await promise;
  return result;
}

/**
 * What the command line does against any API server, with real containers.
 *
 * The server has no images of ours when it begins, and nothing of ours when it ends.
 */
export async function cliContract(t: TestContext, host: string): Promise<void> {
  await using directory = await temporaryDirectory("cli");
  const at = (name: string) => join(directory.path, name);
  const run = async (...words: string[]) => await runFerry(host, words);
  const container = async (...words: string[]) => await run("run", "--rm", "--network", "none", ...words);
  const shell = (script: string) => ["--network", "none", image, "sh", "-c", script];
  await importImage(host, directory.path);

  await t.test("run: output, streams and exit codes", async () => {
    assert.deepEqual(await container(image, "sh", "-c", "echo out; echo err >&2; exit 7"), {
      code: 7,
      out: "out\n",
      err: "err\n",
    });
    assert.equal((await container(image, "true")).code, 0);
    assert.equal((await container(image, "no-such-command")).code, 127);
    assert.equal((await container(image, "/etc")).code, 126);
    assert.equal((await container("--no-such-flag", image)).code, 125);
    assert.equal((await container("--pull=never", "no-such-image:1")).code, 125);
  });

  await t.test("run: much output arrives whole and in order", async () => {
    const { out } = await container(image, "seq", "1", "200000");
    assert.equal(out, Array.from({ length: 200_000 }, (_, n) => `${n + 1}\n`).join(""));
  });

  await t.test("run -i: stdin goes in and ends", async () => {
    const input = "line\n".repeat(50_000);
    const words = ["run", "--rm", "-i", "--network", "none", image, "cat"];
    assert.deepEqual(await runFerry(host, words, { input }), { code: 0, out: input, err: "" });
  });

  await t.test("run -it on a real terminal: size, keys, exit code", async () => {
    // Docker's client tells the size after the start.
    const sized = 'n=0; until [ "$(stty size 2>&1)" = "33 99" ] || [ $n = 1200 ]; do n=$((n+1)); sleep 0.1; done';
    const script = `${sized}; echo ready; read x; stty size; echo got $x; exit 4`;
    const words = ["run", "--rm", "-it", ...shell(script)];
    const { code, out } = await runFerry(host, words, { terminal: { rows: 33, columns: 99 }, input: "typed\r" });
    assert.deepEqual({ code, out }, { code: 4, out: "ready\r\ntyped\r\n33 99\r\ngot typed\r\n" });
  });

  await t.test("run -it: the detach keys leave it running", async () => {
    const words = ["run", "--name", "cli-detach", "-it", ...shell("echo ready; sleep 100")];
    const { code } = await runFerry(host, words, { terminal: { rows: 24, columns: 80 }, input: "\x10\x11" });
    assert.equal(code, 0);
    assert.equal((await run("inspect", "-f", "{{.State.Running}}", "cli-detach")).out, "true\n");
    await run("rm", "-f", "cli-detach");
  });

  await t.test("run: -it without a terminal is refused before anything is made", async () => {
    const { code, err } = await container("-it", "--name", "cli-none", image, "true");
    assert.equal(code, 1);
    assert.match(err, /the input device is not a TTY/);
    assert.equal((await run("inspect", "cli-none")).code, 1);
  });

  await t.test("run: signals reach the process", async () => {
    const script = 'trap "echo caught; exit 9" TERM; echo ready; while :; do sleep 0.1; done';
    const words = ["run", "--rm", ...shell(script)];
    const { code, out } = await runFerry(host, words, { killWith: "SIGTERM" });
    assert.deepEqual({ code, out }, { code: 9, out: "ready\ncaught\n" });
  });

  await t.test("a container's life", async () => {
    const started = await run(
      "run",
      "-d",
      "--name",
      "cli-life",
      "--network",
      "none",
      "--label",
      "a=b",
      image,
      "sleep",
      "100",
    );
    assert.match(started.out, /^[0-9a-f]{64}\n$/);
    const format = '{{.Names}} {{.State}} {{.Command}} {{.Label "a"}}';
    const listed = await run("ps", "--filter", "name=cli-life", "--format", format);
    assert.equal(listed.out, 'cli-life running "sleep 100" b\n');
    assert.equal((await run("exec", "cli-life", "sh", "-c", "echo in; exit 5")).code, 5);
    assert.equal(
      (await run("exec", "-e", "A=1", "-w", "/tmp", "cli-life", "sh", "-c", "echo $A $PWD")).out,
      "1 /tmp\n",
    );
    assert.equal((await runFerry(host, ["exec", "-i", "cli-life", "cat"], { input: "x" })).out, "x");
    assert.match((await run("top", "cli-life", "-o", "pid,args")).out, /sleep 100/);
    assert.match(
      (await run("stats", "--no-stream", "--format", "{{.Name}} {{.PIDs}}", "cli-life")).out,
      /^cli-life 1\n$/,
    );
    assert.equal((await run("pause", "cli-life")).code, 0);
    assert.equal((await run("unpause", "cli-life")).code, 0);
    assert.equal((await run("rename", "cli-life", "cli-life2")).code, 0);
    assert.match((await run("rm", "cli-life2")).err, /^Error response from daemon: .*\n {2}stop it first/);
    assert.equal((await run("kill", "cli-life2")).out, "cli-life2\n");
    assert.equal((await run("wait", "cli-life2")).out, "137\n");
    assert.equal((await run("rm", "cli-life2")).code, 0);
    assert.match((await run("start", "cli-life2")).err, /cli-life2\n {2}see: ferry ps -a\n$/);
  });

  await t.test("logs of a container that has ended", async () => {
    await run(
      "run",
      "--name",
      "cli-logs",
      "--network",
      "none",
      image,
      "sh",
      "-c",
      "echo one; echo two >&2; sleep 0.2; echo three",
    );
    assert.deepEqual(await run("logs", "cli-logs"), { code: 0, out: "one\nthree\n", err: "two\n" });
    assert.equal((await run("logs", "--tail", "1", "cli-logs")).out, "three\n");
    assert.match((await run("logs", "-t", "--tail", "1", "cli-logs")).out, /^\d{4}-\d\d-\d\dT[\d:.]+Z three\n$/);
    await run("rm", "cli-logs");
  });

  await t.test("cp in and out", async () => {
    await run("create", "--name", "cli-cp", "--network", "none", image, "true");
    await mkdir(at("tree/sub"), { recursive: true });
    await writeFile(at("tree/sub/file"), "content");
    assert.equal((await run("cp", at("tree"), "cli-cp:/tmp/new")).code, 0);
    assert.equal((await run("cp", at("tree/sub/file"), "cli-cp:/tmp/")).code, 0);
    assert.equal((await run("cp", "cli-cp:/tmp/new", at("out"))).code, 0);
    assert.equal((await run("cp", "cli-cp:/tmp/file", at("renamed"))).code, 0);
    assert.equal(await readFile(at("out/sub/file"), "utf8"), "content");
    assert.equal(await readFile(at("renamed"), "utf8"), "content");
    assert.equal((await run("cp", "cli-cp:/no-such", at("x"))).code, 1);
    await run("rm", "cli-cp");
  });

  await t.test("images: tag, save, load, history, remove", async () => {
    assert.equal((await run("tag", image, "ferry-cli-test:2")).code, 0);
    assert.equal((await run("save", "-o", at("saved.tar"), "ferry-cli-test:2")).code, 0);
    assert.equal((await run("rmi", "ferry-cli-test:2")).out, "Untagged: ferry-cli-test:2\n");
    assert.match((await run("load", "-i", at("saved.tar"))).out, /Loaded image: ferry-cli-test:2\n/);
    const listed = await run("images", "--format", "{{.Repository}}:{{.Tag}}", "ferry-cli-test");
    assert.deepEqual(listed.out.trim().split("\n").sort(), [image, "ferry-cli-test:2"]);
    assert.equal((await run("history", "-q", image)).code, 0);
    assert.equal((await run("rmi", "ferry-cli-test:2")).code, 0);
  });

  await t.test("volumes keep what was written", async () => {
    assert.equal((await run("volume", "create", "--label", "a=b", "cli-vol")).out, "cli-vol\n");
    await container("-v", "cli-vol:/v", image, "sh", "-c", "echo kept > /v/f");
    assert.equal((await container("-v", "cli-vol:/v:ro", image, "cat", "/v/f")).out, "kept\n");
    assert.equal((await run("volume", "ls", "-q", "--filter", "name=cli-vol")).out, "cli-vol\n");
    assert.equal((await run("volume", "rm", "cli-vol")).out, "cli-vol\n");
  });

  await t.test("the whole machine", async () => {
    assert.equal((await run("version", "--format", "{{.Server.Os}}")).out, "linux\n");
    assert.match((await run("info")).out, /Server Version: /);
    assert.match((await run("system", "df")).out, /^TYPE {12}TOTAL/);
    assert.match((await run("network", "ls")).out, /\bnone\b/);
    assert.match(
      (await run("events", "--since", "10m", "--until", "0s", "--filter", "type=container")).out,
      / container create /,
    );
    assert.match((await run("__complete", "rmi", "ferry-cli")).out, /^ferry-cli-test:1\t\n$/);
  });

  await t.test("nothing is left", async () => {
    assert.match((await run("rmi", image)).out, /^Untagged: ferry-cli-test:1\nDeleted: /);
    assert.equal((await run("ps", "-aq")).out, "");
  });
}

/** An image of the machine's static busybox, made by `ferry import` itself. */
async function importImage(host: string, directory: string): Promise<void> {
  const root = join(directory, "root");
  for (const name of ["bin", "tmp", "etc"]) await mkdir(join(root, name), { recursive: true });
  await cp("/bin/busybox", join(root, "bin/busybox"));
  for (const name of ["sh", "cat", "echo", "true", "sleep", "seq", "stty"])
    await symlink("busybox", join(root, "bin", name));
  await writeFile(join(root, "etc/passwd"), "root:x:0:0:root:/:/bin/sh\n");
  const archive = join(directory, "root.tar");
  const { packTree } = await import("./archive/pack-tree.ts");
  await writeFile(archive, packTree({ path: root, name: ".", owners: false, followLink: false }));
  const { code, err } = await runFerry(host, ["import", "-c", 'CMD ["sh"]', archive, image]);
  assert.equal(code, 0, err);
}
