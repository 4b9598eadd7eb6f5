import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { findBinary, requireBinary, requireRoot } from "#test/support/require.ts";
import { eventually } from "#test/support/eventually.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { openTestDaemon, type TestDaemon } from "./daemon-fixture.ts";

type Output = { code: number | null; stdout: string; stderr: string };
type Docker = (args: readonly string[], stdin?: string) => Promise<Output>;

/** Runs a client to its end; one that hangs is killed and fails the test by its code. */
async function run(
  argv: readonly string[],
  options: { env?: NodeJS.ProcessEnv; stdin?: string } = {},
): Promise<Output> {
  const [file = "", ...args] = argv;
  const child = spawn(file, args, { env: { ...process.env, ...options.env }, timeout: 300_000, killSignal: "SIGKILL" });
  const output: Output = { code: null, stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (output.stderr += text));
  child.stdin.on("error", () => {});
  child.stdin.end(options.stdin ?? "");
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.on("error", reject).on("close", resolve);
  output.code = await promise;
  return output;
}

/** The docker commands that are here: the one on PATH, and Debian's where that is another. */
const clients = [...new Set([findBinary("docker"), findBinary("/usr/bin/docker")])].filter(
  (path) => path !== undefined,
);

function dockerOf(daemon: TestDaemon, client: string): Docker {
  const env = { DOCKER_HOST: `unix://${daemon.socketPath}` };
  return async (args, stdin = "") => await run([client, ...args], { env, stdin });
}

async function succeeds(output: Promise<Output>): Promise<string> {
  const { code, stdout, stderr } = await output;
  assert.equal(code, 0, stderr);
  return stdout.trim();
}

function ready(t: TestContext): boolean {
  return requireRoot(t) && requireBinary(t, "docker", "conmon", "crun", "script");
}

for (const client of clients) {
  test(`${client}: containers from run to rm`, async (t) => {
    if (!ready(t)) return;
    await using daemon = await openTestDaemon({ docker: true });
    const { image } = daemon;
    const docker = dockerOf(daemon, client);
    assert.deepEqual(await docker(["run", "--rm", image, "sh", "-c", "echo out; echo err >&2; exit 7"]), {
      code: 7,
      stdout: "out\n",
      stderr: "err\n",
    });
    assert.equal(await succeeds(docker(["run", "--rm", "-i", image, "cat"], "piped")), "piped");
    assert.equal((await docker(["run", "--rm", image, "nosuch"])).code, 127);
    assert.equal((await docker(["run", "--rm", image, "/etc"])).code, 126);
    await succeeds(docker(["run", "-d", "--name", "web", image, "sh", "-c", "echo one; echo two >&2; sleep 1000"]));
    assert.equal((await docker(["run", "--rm", "--name", "web", image, "true"])).code, 125);
    assert.equal((await docker(["exec", "web", "sh", "-c", "exit 5"])).code, 5);
    assert.equal(await succeeds(docker(["exec", "-i", "-e", "A=1", "web", "sh", "-c", "cat; echo $A"], "in")), "in1");
    await eventually("the log is written", async () => (await succeeds(docker(["logs", "web"]))) === "one");
    assert.match(await succeeds(docker(["logs", "-t", "--tail", "2", "web"])), /^\d{4}-\d\d-\d\dT\S+Z one$/);
    await eventually("it sleeps", async () => (await succeeds(docker(["top", "web"]))).includes("sleep 1000"));
    assert.match(await succeeds(docker(["stats", "--no-stream", "web"])), /web\s+\d/);
    await succeeds(docker(["pause", "web"]));
    assert.match(await succeeds(docker(["ps", "--format", "{{.Status}}"])), /\(Paused\)$/);
    await succeeds(docker(["unpause", "web"]));
    await succeeds(docker(["update", "--memory", "64m", "--memory-swap", "128m", "web"]));
    assert.equal(await succeeds(docker(["inspect", "-f", "{{.HostConfig.Memory}}", "web"])), String(64 * 1024 * 1024));
    await succeeds(docker(["rename", "web", "site"]));
    await succeeds(docker(["restart", "-t", "0", "site"]));
    const waiting = docker(["wait", "site"]);
    await sleep(300);
    await succeeds(docker(["kill", "site"]));
    assert.equal(await succeeds(waiting), "137");
    assert.match(await succeeds(docker(["ps", "-a"])), /Exited \(137\)/);
    await succeeds(docker(["rm", "site"]));
    const gone = await docker(["inspect", "site"]);
    assert.match(gone.stderr, /No such object: site/);
  });
}

test("docker: a terminal, its size, and leaving it", async (t) => {
  if (!ready(t)) return;
  await using daemon = await openTestDaemon({ docker: true });
  const env = { DOCKER_HOST: `unix://${daemon.socketPath}` };
  const line = `stty rows 40 cols 100; exec docker run --rm -it --name term ${daemon.image} sh`;
  // util-linux' script gives the client a terminal of its own; the shell is typed to when it has prompted.
  await using directory = await temporaryDirectory("terminal");
  const typescript = join(directory.path, "typescript");
  const prompted = `for i in $(seq 1200); do grep -aq '# ' ${typescript} && break; sleep 0.1; done`;
  const typed = `(${prompted}; echo tty; echo 'echo $((40+2))'; echo 'exit 9') 2>/dev/null`;
  const said = await run(["sh", "-c", `${typed} | script -qefc "${line}" ${typescript}`], { env });
  assert.match(said.stdout, /\/dev\/pts\/0/);
  assert.match(said.stdout, /\b42\b/);
  assert.equal(said.code, 9);
});

test("docker: published ports, names on a network, copies, events, restart and health", async (t) => {
  if (!ready(t)) return;
  await using daemon = await openTestDaemon({ docker: true });
  const { image } = daemon;
  const docker = dockerOf(daemon, "docker");
  const page = "echo hi >/tmp/index.html; httpd -f -p 80 -h /tmp";
  await succeeds(docker(["network", "create", "front"]));
  await succeeds(
    docker(["run", "-d", "--name", "web", "--network", "front", "-p", "127.0.0.1::80", image, "sh", "-c", page]),
  );
  const address = await succeeds(docker(["port", "web", "80"]));
  await eventually("the page is served", async () => {
    const text = await fetch(`http://${address}/`).then(
      async (reply) => await reply.text(),
      () => "",
    );
    return text === "hi\n";
  });
  const fetched = docker(["run", "--rm", "--network", "front", image, "wget", "-qO-", "http://web/"]);
  assert.equal(await succeeds(fetched), "hi");

  const directory = await mkdtemp(join(tmpdir(), "ferry-cp-"));
  t.after(async () => await rm(directory, { recursive: true }));
  await writeFile(join(directory, "in"), "content");
  await succeeds(docker(["cp", join(directory, "in"), "web:/tmp/there"]));
  await succeeds(docker(["cp", "web:/tmp/there", join(directory, "out")]));
  assert.equal(await readFile(join(directory, "out"), "utf8"), "content");

  // The command rounds durations down to whole seconds: times are given as such.
  const span = ["--since", String(Date.now() / 1000 - 60), "--until", String(Date.now() / 1000 + 0.5)];
  const events = await succeeds(docker(["events", ...span, "--filter", "container=web", "--format", "{{.Action}}"]));
  assert.deepEqual(events.split("\n").slice(0, 2), ["create", "start"]);
  await succeeds(docker(["rm", "-f", "web"]));
  await succeeds(docker(["network", "rm", "front"]));

  await succeeds(
    docker(["run", "-d", "--name", "again", "--restart", "on-failure:2", image, "sh", "-c", "sleep 0.1; exit 3"]),
  );
  await eventually("it was restarted twice", async () => {
    return (await succeeds(docker(["inspect", "-f", "{{.RestartCount}} {{.State.Status}}", "again"]))) === "2 exited";
  });
  await succeeds(
    docker([
      "run",
      "-d",
      "--name",
      "well",
      "--health-cmd",
      "true",
      "--health-interval",
      "200ms",
      image,
      "sleep",
      "1000",
    ]),
  );
  await eventually(
    "it is healthy",
    async () => (await succeeds(docker(["ps", "--filter", "health=healthy", "-q"]))) !== "",
  );
  await succeeds(docker(["rm", "-f", "again", "well"]));
});

test("docker: images and volumes", async (t) => {
  if (!ready(t)) return;
  await using daemon = await openTestDaemon({ docker: true });
  const { image } = daemon;
  const docker = dockerOf(daemon, "docker");
  assert.match(await succeeds(docker(["pull", image])), /Status: Image is up to date for /);
  const name = `${image.split("/")[0]}/other:2`;
  await succeeds(docker(["tag", image, name]));
  assert.match(await succeeds(docker(["push", name])), /2: digest: sha256:[0-9a-f]{64} size: \d+/);
  assert.match(await succeeds(docker(["history", name])), /\d/);
  const directory = await mkdtemp(join(tmpdir(), "ferry-save-"));
  t.after(async () => await rm(directory, { recursive: true }));
  const archive = join(directory, "image.tar");
  await succeeds(docker(["save", "-o", archive, name]));
  assert.match(await succeeds(docker(["rmi", name])), /Untagged: /);
  assert.match(await succeeds(docker(["load", "-i", archive])), new RegExp(`Loaded image: ${name}`));
  await succeeds(docker(["rmi", name]));

  await succeeds(docker(["volume", "create", "data"]));
  await succeeds(docker(["run", "--rm", "-v", "data:/d", image, "sh", "-c", "echo kept >/d/f"]));
  assert.equal(await succeeds(docker(["run", "--rm", "-v", "data:/d:ro", image, "cat", "/d/f"])), "kept");
  assert.match(await succeeds(docker(["system", "df"])), /Local Volumes\s+1/);
  await succeeds(docker(["volume", "rm", "data"]));
  assert.equal((await docker(["volume", "inspect", "data"])).code, 1);
});
