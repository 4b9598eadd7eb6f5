import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { copyFile, mkdir, readFile, symlink } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Readable } from "node:stream";
import type { Call } from "#core/call.ts";
import type { ContainerId } from "#core/containers/container.ts";
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

/** Registers one test with a world of its own. */
export type Run = (title: string, body: (world: World) => Promise<void>) => void;

type TaskOptions = {
  id?: string;
  tty?: boolean;
  stdin?: TaskSpec["stdin"];
  logPath?: string;
  resources?: OciSpec["linux"]["resources"];
};

type ExecOptions = { process?: Partial<OciProcess>; size?: { width: number; height: number }; detached?: boolean };

/** A runtime in a test's hands: tasks, execs and OCI specs in short words. */
export class World {
  readonly fixture: RuntimeFixture;
  readonly call: Call = testCall({ namespace: "contract", signal: AbortSignal.timeout(240_000) });
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

export async function openWorld(fixture: RuntimeFixture): Promise<World> {
  const world = new World(fixture);
  for (const name of ["bin", "proc", "dev", "sys", "tmp"]) await mkdir(join(world.root, name), { recursive: true });
  await copyFile("/bin/busybox", join(world.root, "bin", "busybox"));
  for (const applet of ["sh", "cat", "dd", "id", "seq", "sleep", "stty", "true"])
    await symlink("busybox", join(world.root, "bin", applet));
  return world;
}

export function streamsOf(exec: ExecProcess): NonNullable<ExecProcess["streams"]> {
  assert.ok(exec.streams);
  return exec.streams;
}

/** A stream's text as it comes, so that a test waits for what is said and not for a time. */
export class Collected {
  /** All of it, when the stream ends. */
  readonly all: Promise<string>;
  #text = "";
  #grown = Promise.withResolvers<void>();

  constructor(stream: Readable) {
    this.all = this.#collect(stream);
  }

  /** Resolves when `pattern` was said. @throws Error when the stream ends without it */
  async until(pattern: RegExp): Promise<void> {
    const ended = this.all.then(() => true);
    for (let isEnded = false; !pattern.test(this.#text);) {
      if (isEnded) throw new Error(`ended without ${pattern.source}: ${JSON.stringify(this.#text)}`);
      isEnded = (await Promise.race([ended, this.#grown.promise])) === true;
    }
  }

  async #collect(stream: Readable): Promise<string> {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      this.#text += chunk.toString();
      this.#grown.resolve();
      this.#grown = Promise.withResolvers();
    }
    return this.#text;
  }
}

export async function bytesOf(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export async function isRunning(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  return stat !== "" && !/\) [ZX] /.test(stat);
}
