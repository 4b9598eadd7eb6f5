import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { copyFile, mkdir, readFile, rename, symlink, writeFile, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { text } from "node:stream/consumers";
import type { Readable } from "node:stream";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Call } from "#core/call.ts";
import type { ContainerId } from "#core/containers/container.ts";
import { fails } from "#test/support/fails.ts";
import { testCall } from "#test/support/call.ts";
import type { OciProcess, OciSpec } from "./oci-spec.ts";
import type { ExecProcess, Runtime, Task, TaskSpec } from "./runtime.ts";

/** A runtime with a root to run in. Disposing it asserts that nothing is left over. */
export type RuntimeFixture = AsyncDisposable & {
  readonly runtime: Runtime;
  /** Directory for logs and roots of the test; its name is the parent cgroup. */
  readonly directory: string;
  /** Forgets the driver object as a killed daemon would, and makes a new one over the same state; not recovered yet. */
  reopen(): Promise<Runtime>;
  /** Pid of what watches over a task. */
  monitorPid(task: Task): Promise<number>;
};

/** What every runtime keeps, with real containers from the machine's static busybox. */
export function runtimeContract(name: string, make: () => Promise<RuntimeFixture | undefined>): void {
  const run = (title: string, body: (world: World) => Promise<void>) => {
    test(title, { timeout: 30_000 }, async (t) => {
      const fixture = await make();
      if (fixture === undefined) return t.skip("needs root, busybox, conmon and an OCI runtime");
      const world = await openWorld(fixture);
      try {
        await body(world);
      } catch (error) {
        await world.clear();
        await Promise.allSettled([fixture[Symbol.asyncDispose]()]);
        throw error;
      }
      await fixture[Symbol.asyncDispose]();
    });
  };
  describe(name, () => {
    lifecycle(run);
    streams(run);
    execs(run);
    control(run);
    survival(run);
  });
}

type Run = (title: string, body: (world: World) => Promise<void>) => void;

function lifecycle(run: Run): void {
  run("runs from created over running to stopped, with its exit code, and leaves nothing", async (world) => {
    const task = await world.create(["sh", "-c", "sleep 0.2; exit 7"]);
    assert.equal(await task.state(world.call), "created");
    assert.ok(task.pid > 1);
    await task.start(world.call);
    assert.equal(await task.state(world.call), "running");
    const before = Date.now();
    const exit = await task.wait(world.call);
    assert.deepEqual({ ...exit, exitedAtNs: 0n }, { exitCode: 7, exitedAtNs: 0n, oomKilled: false });
    assert.ok(Math.abs(Number(exit.exitedAtNs / 1_000_000n) - before) < 2000);
    assert.equal(await task.state(world.call), "stopped");
    assert.equal(task.pid, 0);
    assert.deepEqual(await world.runtime.list(), [task.ref]);
    await task.delete(world.call);
    await task.delete(world.call);
    assert.deepEqual(await world.runtime.list(), []);
    assert.equal(await world.runtime.find(world.call, task.ref), undefined);
  });

  run("tells a missing command from one that cannot be executed, and leaves nothing of either", async (world) => {
    await writeFile(join(world.root, "bin", "plain"), "text");
    const start = async (command: string) => {
      const task = await world.create([command]);
      await task.start(world.call);
    };
    await fails("notFound", start("nope"), /exec: "nope": executable file not found in \$PATH/);
    await fails("notFound", start("/bin/nope"), /exec: "\/bin\/nope": .*no such file or directory/);
    await fails("permissionDenied", start("/bin/plain"), /exec: "\/bin\/plain": permission denied/);
    await fails("notFound", world.create(["nope"], { tty: true }), /executable file not found/);
    assert.deepEqual(await world.runtime.list(), []);
  });

  run("refuses a second task of the same name, an unknown handler, and a start after the end", async (world) => {
    const task = await world.started(["sleep", "100"]);
    await fails("alreadyExists", world.runtime.create(world.call, world.spec(["true"])));
    await fails(
      "invalidArgument",
      world.runtime.create(world.call, { ...world.spec(["true"], "x"), runtimeHandler: "?" }),
    );
    await fails("failedPrecondition", task.start(world.call));
    await fails("failedPrecondition", task.delete(world.call));
    await task.delete(world.call, { force: true });
  });

  run("signals by name and number; one that kills gives 128 and the signal", async (world) => {
    const task = await world.started(["sh", "-c", "trap 'exit 42' USR1; while :; do sleep 0.05; done"]);
    await fails("invalidArgument", task.kill(world.call, "SIGNOPE"));
    await sleep(100);
    await task.kill(world.call, "SIGUSR1");
    assert.equal((await task.wait(world.call)).exitCode, 42);
    await fails("notFound", task.kill(world.call, "SIGTERM"));
    await task.delete(world.call);
    const other = await world.started(["sleep", "100"]);
    await other.kill(world.call, "9");
    assert.equal((await other.wait(world.call)).exitCode, 137);
    await other.delete(world.call);
  });

  run("keeps tasks of the same id apart by namespace", async (world) => {
    const [one, two] = [testCall({ namespace: "one" }), testCall({ namespace: "two" })];
    const spec = world.spec(["sleep", "100"]);
    const first = await world.runtime.create(one, {
      ...spec,
      namespace: one.namespace,
      spec: world.oci(["sleep", "100"], "one"),
    });
    const second = await world.runtime.create(two, {
      ...spec,
      namespace: two.namespace,
      spec: world.oci(["sh", "-c", "exit 3"], "two"),
    });
    await first.start(one);
    await second.start(two);
    assert.equal((await second.wait(two)).exitCode, 3);
    assert.equal(await first.state(one), "running");
    await second.delete(two);
    await first.delete(one, { force: true });
  });

  run("aborting a wait leaves the task alone; a deleted task that was never started is gone", async (world) => {
    const task = await world.create(["sleep", "100"]);
    await assert.rejects(task.wait(testCall({ signal: AbortSignal.timeout(20) })), { name: "TimeoutError" });
    assert.equal(await task.state(world.call), "created");
    await task.delete(world.call, { force: true });
  });
}

function streams(run: Run): void {
  run("writes the log, both streams and a last line without an end", async (world) => {
    const logPath = join(world.directory, "log");
    const task = await world.started(["sh", "-c", "echo out; echo err >&2; printf end"], { logPath });
    await task.wait(world.call);
    const lines = (await readFile(logPath, "utf8")).split("\n").filter((line) => line !== "");
    const entries = lines.map((line) => line.replace(/^\S+ /, "")).sort();
    assert.deepEqual(entries, ["stderr F err", "stdout F out", "stdout P end"]);
    assert.match(lines[0] ?? "", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}(\+00:00|Z) /);
    await task.delete(world.call);
  });

  run(
    "an attach before the start sees the first byte, a second attach the same, and stdin ends with its stream",
    async (world) => {
      const task = await world.create(["sh", "-c", "echo first; cat; echo err >&2"], { stdin: "once" });
      await using one = await task.attach(world.call, { stdin: true, stdout: true, stderr: true });
      await using two = await task.attach(world.call, { stdin: false, stdout: true, stderr: false });
      const outputs = Promise.all([text(one.stdout), text(one.stderr), text(two.stdout), text(two.stderr)]);
      await task.start(world.call);
      one.stdin?.write("typed\n");
      one.stdin?.end("more\n");
      assert.deepEqual(await outputs, ["first\ntyped\nmore\n", "err\n", "first\ntyped\nmore\n", ""]);
      assert.equal((await task.wait(world.call)).exitCode, 0);
      await fails("failedPrecondition", task.attach(world.call, { stdin: false, stdout: true, stderr: true }));
      await task.delete(world.call);
    },
  );

  run("detaching ends neither the process nor its stdin", async (world) => {
    const task = await world.create(["sh", "-c", "read line; echo got $line"], { stdin: "open" });
    await task.start(world.call);
    await (await task.attach(world.call, { stdin: true, stdout: true, stderr: true }))[Symbol.asyncDispose]();
    await sleep(50);
    await using again = await task.attach(world.call, { stdin: true, stdout: true, stderr: true });
    const output = text(again.stdout);
    again.stdin?.write("it\n");
    assert.equal(await output, "got it\n");
    assert.equal((await task.wait(world.call)).exitCode, 0);
    await task.delete(world.call);
  });

  run("detaching from a terminal leaves it open, one client's stdin or not", async (world) => {
    const task = await world.create(["sh", "-c", "read line; echo got $line"], { stdin: "once", tty: true });
    await task.start(world.call);
    await (await task.attach(world.call, { stdin: true, stdout: true, stderr: false }))[Symbol.asyncDispose]();
    await sleep(50);
    await using again = await task.attach(world.call, { stdin: true, stdout: true, stderr: false });
    const output = text(again.stdout);
    again.stdin?.write("it\n");
    assert.equal(await output, "it\r\ngot it\r\n");
    assert.equal((await task.wait(world.call)).exitCode, 0);
    await task.delete(world.call);
  });

  run("one who only listens and leaves does not close a stdin opened for one client", async (world) => {
    const task = await world.create(["sh", "-c", "read line; echo got $line"], { stdin: "once" });
    await using typist = await task.attach(world.call, { stdin: true, stdout: true, stderr: true });
    await task.start(world.call);
    await (await task.attach(world.call, { stdin: false, stdout: true, stderr: true }))[Symbol.asyncDispose]();
    await sleep(50);
    const output = text(typist.stdout);
    typist.stdin?.write("it\n");
    assert.equal(await output, "got it\n");
    await task.delete(world.call, { force: true });
  });

  run("carries megabytes both ways unharmed", async (world) => {
    const task = await world.create(["cat"], { stdin: "once" });
    await using attached = await task.attach(world.call, { stdin: true, stdout: true, stderr: true });
    await task.start(world.call);
    const data = randomBytes(3 * 1024 * 1024);
    const output = bytesOf(attached.stdout);
    attached.stdin?.end(data);
    assert.ok(data.equals(await output));
    await task.wait(world.call);
    await task.delete(world.call);
  });

  run("has a terminal of the size asked for", async (world) => {
    const task = await world.create(["sh", "-c", "stty size; read x; stty size"], { tty: true, stdin: "open" });
    await using attached = await task.attach(world.call, { stdin: true, stdout: true, stderr: true });
    const output = text(attached.stdout);
    await task.resize(world.call, { width: 99, height: 33 });
    await sleep(60);
    await task.start(world.call);
    await sleep(200);
    await task.resize(world.call, { width: 120, height: 40 });
    await sleep(100);
    attached.stdin?.write("\n");
    assert.match(await output, /33 99\r\n[^]*40 120\r\n/);
    await task.delete(world.call, { force: true });
  });
}

function execs(run: Run): void {
  run("runs further processes with user, env, directory, stdin and exit code", async (world) => {
    const task = await world.started(["sleep", "100"]);
    const exec = await world.exec(task, ["sh", "-c", "echo $A; pwd; id -u; cat; echo err >&2; exit 5"], {
      process: { user: { uid: 12, gid: 12 }, env: ["PATH=/bin", "A=b"], cwd: "/tmp" },
    });
    assert.ok(exec.pid > 1);
    const outputs = Promise.all([text(streamsOf(exec).stdout), text(streamsOf(exec).stderr)]);
    streamsOf(exec).stdin?.end("typed\n");
    assert.deepEqual(await outputs, ["b\n/tmp\n12\ntyped\n", "err\n"]);
    assert.equal((await exec.wait(world.call)).exitCode, 5);
    await fails("notFound", exec.kill(world.call, "SIGTERM"));
    await task.delete(world.call, { force: true });
  });

  run("tells a missing command, and one that cannot be executed, of an exec", async (world) => {
    await writeFile(join(world.root, "bin", "plain"), "text");
    const task = await world.started(["sleep", "100"]);
    for (const tty of [false, true]) {
      const process = { terminal: tty };
      await fails("notFound", world.exec(task, ["nope"], { process }), /"nope": executable file not found in \$PATH/);
      await fails("permissionDenied", world.exec(task, ["/bin/plain"], { process }), /permission denied/);
    }
    await task.delete(world.call, { force: true });
    await fails("failedPrecondition", world.exec(task, ["true"]));
  });

  run("gives an exec real pipes, and a signal's number as its code", async (world) => {
    const task = await world.started(["sleep", "100"]);
    const piped = await world.exec(task, ["sh", "-c", "echo there > /dev/stdout"]);
    assert.equal(await text(streamsOf(piped).stdout), "there\n");
    assert.equal((await piped.wait(world.call)).exitCode, 0);
    const long = await world.exec(task, ["sleep", "100"]);
    await long.kill(world.call, "SIGKILL");
    assert.equal((await long.wait(world.call)).exitCode, 137);
    await fails("failedPrecondition", long.resize(world.call, { width: 1, height: 1 }));
    await task.delete(world.call, { force: true });
  });

  run("an exec with a terminal has its size, its input and all of its output", async (world) => {
    const task = await world.started(["sleep", "100"]);
    const exec = await world.exec(task, ["sh", "-c", "stty size; read x; stty size; echo $x; exit 9"], {
      process: { terminal: true },
      size: { width: 91, height: 31 },
    });
    const output = text(streamsOf(exec).stdout);
    await sleep(200);
    await exec.resize(world.call, { width: 70, height: 20 });
    await sleep(100);
    streamsOf(exec).stdin?.write("word\n");
    assert.match(await output, /31 91\r\n[^]*20 70\r\nword\r\n$/);
    assert.equal((await exec.wait(world.call)).exitCode, 9);
    await task.delete(world.call, { force: true });
  });

  run("a detached exec runs without anybody, and its code is known", async (world) => {
    const task = await world.started(["sleep", "100"]);
    const exec = await world.exec(task, ["sh", "-c", "echo made > /tmp/made; exit 4"], { detached: true });
    assert.equal(exec.streams, undefined);
    assert.equal((await exec.wait(world.call)).exitCode, 4);
    assert.equal(await readFile(join(world.root, "tmp", "made"), "utf8"), "made\n");
    await task.delete(world.call, { force: true });
  });

  run("execs end with the container", async (world) => {
    const task = await world.started(["sleep", "100"]);
    const exec = await world.exec(task, ["sleep", "100"]);
    await task.kill(world.call, "SIGKILL");
    assert.equal((await exec.wait(world.call)).exitCode, 137);
    await task.wait(world.call);
    await task.delete(world.call);
  });
}

function control(run: Run): void {
  run("pauses and resumes; a paused task can be killed", async (world) => {
    const task = await world.started(["sleep", "100"]);
    await task.pause(world.call);
    assert.equal(await task.state(world.call), "paused");
    await task.resume(world.call);
    assert.equal(await task.state(world.call), "running");
    await task.pause(world.call);
    await task.kill(world.call, "SIGKILL");
    assert.equal((await task.wait(world.call)).exitCode, 137);
    await task.delete(world.call);
  });

  run("lists processes, tells what they use, and changes limits", async (world) => {
    const task = await world.started(["sh", "-c", "sleep 100 & sleep 100 & wait"]);
    let pids = await task.pids(world.call);
    // The shell takes its time on a busy machine.
    for (let tries = 0; pids.length < 3 && tries < 200; tries++) {
      await sleep(25);
      pids = await task.pids(world.call);
    }
    assert.equal(pids.length, 3);
    assert.ok(pids.includes(task.pid));
    await task.update(world.call, { memory: { limit: 67_108_864, swap: 67_108_864 }, pids: { limit: 50 } });
    const stats = await task.stats(world.call);
    assert.equal(stats.memory.limitBytes, 67_108_864);
    assert.deepEqual(stats.pids, { current: 3, limit: 50 });
    assert.ok(stats.cpu.usageNs > 0n && stats.memory.usageBytes > 0);
    await task.kill(world.call, "SIGKILL", { all: true });
    await task.wait(world.call);
    await fails("failedPrecondition", task.stats(world.call));
    await task.delete(world.call);
  });

  run("tells that the kernel killed it for want of memory", async (world) => {
    const memory = { limit: 16_777_216, swap: 16_777_216 };
    const task = await world.started(["sh", "-c", "dd if=/dev/zero of=/dev/null bs=64M count=4; exit 137"], {
      resources: { memory },
    });
    const exit = await task.wait(world.call);
    assert.equal(exit.oomKilled, true);
    await task.delete(world.call);
  });

  run("opens its log anew when that was moved, without losing a line", async (world) => {
    const logPath = join(world.directory, "log");
    const task = await world.started(["sh", "-c", "for i in $(seq 1 400); do echo $i; sleep 0.002; done"], { logPath });
    for (let at = 1; at <= 3; at++) {
      await sleep(150);
      await rename(logPath, `${logPath}.${at}`);
      // The second finds nothing to do, and throws nothing away.
      await Promise.all([task.reopenLog(world.call), task.reopenLog(world.call)]);
      await stat(logPath);
    }
    await task.reopenLog(world.call);
    await task.wait(world.call);
    const files = await Promise.all([1, 2, 3].map((at) => readFile(`${logPath}.${at}`, "utf8")));
    const all = [...files, await readFile(logPath, "utf8")].join("");
    const numbers = [...all.matchAll(/ F (\d+)$/gm)].map((match) => Number(match[1]));
    assert.deepEqual(
      numbers,
      Array.from({ length: 400 }, (_, at) => at + 1),
    );
    await task.delete(world.call);
  });
}

function survival(run: Run): void {
  run("a running task survives its driver, and its exit is told by the next", async (world) => {
    const logPath = join(world.directory, "log");
    const task = await world.started(["sh", "-c", "read x; echo $x; exit 6"], { logPath, stdin: "open" });
    const { pid } = task;
    const again = await world.reopen();
    const found = await again.find(world.call, task.ref);
    assert.ok(found);
    assert.equal(found.pid, pid);
    assert.equal(await found.state(world.call), "running");
    await using attached = await found.attach(world.call, { stdin: true, stdout: true, stderr: true });
    const output = text(attached.stdout);
    attached.stdin?.write("hello\n");
    assert.equal(await output, "hello\n");
    assert.equal((await found.wait(world.call)).exitCode, 6);
    await found.delete(world.call);
  });

  run("an exit while nobody looked, and a task not yet started, are found as they are", async (world) => {
    const ended = await world.started(["sh", "-c", "exit 8"], { id: "a" });
    const waits = await world.create(["sh", "-c", "exit 2"], { id: "b" });
    await ended.wait(world.call);
    const again = await world.reopen();
    const found = await again.find(world.call, ended.ref);
    assert.equal(found?.exit?.exitCode, 8);
    assert.equal(found?.pid, 0);
    const other = await again.find(world.call, waits.ref);
    assert.equal(await other?.state(world.call), "created");
    await other?.start(world.call);
    assert.equal((await other?.wait(world.call))?.exitCode, 2);
    await found?.delete(world.call);
    await other?.delete(world.call);
  });

  run("a task whose monitor was killed ends, with the reason", async (world) => {
    const task = await world.started(["sleep", "100"]);
    const { pid } = task;
    process.kill(await world.fixture.monitorPid(task), "SIGKILL");
    const exit = await task.wait(world.call);
    assert.equal(exit.exitCode, 137);
    assert.match(exit.error ?? "", /monitor/);
    for (let tries = 0; tries < 100 && (await isRunning(pid)); tries++) await sleep(10);
    assert.equal(await isRunning(pid), false);
    await task.delete(world.call);
  });

  run("a monitor killed together with the process takes nothing else along", async (world) => {
    const [task, other] = [
      await world.started(["sleep", "100"], { id: "a" }),
      await world.started(["sleep", "100"], { id: "b" }),
    ];
    process.kill(await world.fixture.monitorPid(task), "SIGKILL");
    process.kill(task.pid, "SIGKILL");
    assert.equal((await task.wait(world.call)).exitCode, 137);
    assert.equal(await other.state(world.call), "running");
    await task.delete(world.call);
    await other.delete(world.call, { force: true });
  });

  run("a monitor killed while no driver was there is noticed too", async (world) => {
    const task = await world.started(["sleep", "100"]);
    const { pid } = task;
    const again = await world.reopen(async () => {
      process.kill(await world.fixture.monitorPid(task), "SIGKILL");
      await sleep(50);
    });
    const found = await again.find(world.call, task.ref);
    assert.equal(found?.exit?.exitCode, 137);
    assert.equal(await isRunning(pid), false);
    await found?.delete(world.call);
  });
}

type TaskOptions = {
  id?: string;
  tty?: boolean;
  stdin?: TaskSpec["stdin"];
  logPath?: string;
  resources?: OciSpec["linux"]["resources"];
};

type ExecOptions = { process?: Partial<OciProcess>; size?: { width: number; height: number }; detached?: boolean };

class World {
  readonly fixture: RuntimeFixture;
  readonly call: Call = testCall({ namespace: "contract", signal: AbortSignal.timeout(25_000) });
  readonly root: string;
  runtime: Runtime;

  constructor(fixture: RuntimeFixture) {
    this.fixture = fixture;
    this.runtime = fixture.runtime;
    this.root = join(fixture.directory, "root");
  }

  get directory(): string {
    return this.fixture.directory;
  }

  async create(args: string[], options: TaskOptions = {}): Promise<Task> {
    const spec = this.spec(args, options.id);
    const oci = this.oci(args, options.id ?? "t");
    oci.process.terminal = options.tty ?? false;
    oci.linux.resources = { ...options.resources };
    return await this.runtime.create(this.call, {
      ...spec,
      spec: oci,
      stdin: options.stdin ?? "none",
      ...(options.logPath !== undefined && { logPath: options.logPath }),
    });
  }

  async started(args: string[], options: TaskOptions = {}): Promise<Task> {
    const task = await this.create(args, options);
    await task.start(this.call);
    return task;
  }

  async exec(task: Task, args: string[], options: ExecOptions = {}): Promise<ExecProcess> {
    const { process } = this.oci(args, "x");
    const attached = options.detached !== true;
    const execId = randomBytes(32).toString("hex");
    return await task.exec(
      this.call,
      { execId, process: { ...process, ...options.process }, stdin: attached },
      {
        stdin: attached,
        stdout: attached,
        stderr: attached,
        ...(options.size !== undefined && { size: options.size }),
      },
    );
  }

  async reopen(between: () => Promise<void> = async () => {}): Promise<Runtime> {
    const next = await this.fixture.reopen();
    await between();
    await next.recover(this.call);
    this.runtime = next;
    return next;
  }

  /** After a failure: so that what follows is not disturbed by what is left. */
  async clear(): Promise<void> {
    for (const ref of await this.runtime.list())
      await (await this.runtime.find(this.call, ref))?.delete(this.call, { force: true }).catch(() => {});
  }

  spec(args: string[], id = "t"): TaskSpec {
    return { namespace: this.call.namespace, containerId: containerIdOf(id), spec: this.oci(args, id), stdin: "none" };
  }

  oci(args: string[], label: string): OciSpec {
    return {
      ociVersion: "1.0.2",
      process: { user: { uid: 0, gid: 0 }, args, env: ["PATH=/bin"], cwd: "/" },
      root: { path: this.root },
      mounts: [
        { destination: "/proc", type: "proc", source: "proc" },
        { destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "mode=755"] },
        {
          destination: "/dev/pts",
          type: "devpts",
          source: "devpts",
          options: ["newinstance", "ptmxmode=0666", "mode=0620"],
        },
      ],
      linux: {
        cgroupsPath: `/${basename(this.directory)}/${label}-${containerIdOf(label)}`,
        namespaces: (["pid", "mount", "ipc", "uts", "network"] as const).map((type) => ({ type })),
      },
    };
  }
}

function containerIdOf(label: string): ContainerId {
  return Buffer.from(label).toString("hex").padEnd(64, "0") as ContainerId;
}

async function openWorld(fixture: RuntimeFixture): Promise<World> {
  const world = new World(fixture);
  for (const name of ["bin", "proc", "dev", "sys", "tmp"]) await mkdir(join(world.root, name), { recursive: true });
  await copyFile("/bin/busybox", join(world.root, "bin", "busybox"));
  for (const applet of ["sh", "cat", "dd", "id", "seq", "sleep", "stty", "true"])
    await symlink("busybox", join(world.root, "bin", applet));
  return world;
}

function streamsOf(exec: ExecProcess): NonNullable<ExecProcess["streams"]> {
  assert.ok(exec.streams);
  return exec.streams;
}

async function bytesOf(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function isRunning(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  return stat !== "" && !/\) [ZX] /.test(stat);
}
