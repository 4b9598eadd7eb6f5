import assert from "node:assert/strict";
import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { LogFields, Logger } from "#base/logger.ts";
import type { Call } from "#core/call.ts";
import type { ContainerConfig } from "#core/containers/container-config.ts";
import type { Container } from "#core/containers/container.ts";
import { openDaemon, type Daemon, type Decorate } from "../../src/daemon/compose.ts";
import { decodeConfig } from "../../src/daemon/config.ts";
import { createContainer } from "#engine/create-container.ts";
import { defaultContainerConfig } from "#engine/default-container-config.ts";
import type { Engine } from "#engine/engine.ts";
import { pullImage } from "#engine/pull-image.ts";
import { removeContainer } from "#engine/remove-container.ts";
import { eventually } from "#test/support/eventually.ts";
import { findProcesses, unmountBelow } from "#test/support/processes.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { openTestImages } from "#test/support/test-images.ts";

/** A whole daemon in this process on directories of its own, with a small image in it. */
export type TestDaemon = AsyncDisposable & {
  readonly engine: Engine;
  readonly call: Call;
  readonly image: string;
  /** Docker's socket, where it was asked for. */
  readonly socketPath: string;
  /** Makes a container of the image; what is left out has its default. */
  create(args: readonly string[], config?: Partial<ContainerConfig>, name?: string): Promise<Container>;
  /** Closes the daemon, does `meanwhile`, and opens another one on the same directories. */
  restart(meanwhile?: () => Promise<void>): Promise<void>;
  /** As after a reboot: no process, no mount, no state directory. */
  reboot(): Promise<void>;
  /** Errors in the log that are as they should be. */
  expectErrors(text: RegExp): void;
  /** Text of the container's log, without the fields before each line. */
  logOf(container: Container): Promise<string>;
};

export async function openTestDaemon(
  options: { decorate?: Decorate; docker?: boolean; /** More lines of the configuration. */ config?: string } = {},
): Promise<TestDaemon> {
  await using undo = new AsyncDisposableStack();
  const directory = undo.use(await temporaryDirectory("engine"));
  const images = undo.use(await openTestImages());
  const root = join(directory.path, "root");
  const state = join(directory.path, "state");
  const socketPath = join(directory.path, "docker.sock");
  const socket = options.docker === true ? socketPath : "";
  const log = new ErrorLog();
  const open = async () =>
    await openDaemon({
      ...options,
      config: testConfig({ root, state, socket, more: options.config ?? "" }),
      log,
    });
  let daemon = await open();
  undo.defer(async () => await proveNothingLeft(daemon, root, state, log));
  await pullImage(daemon.call, daemon.engine, { reference: images.small });
  const held = undo.move();
  return {
    get engine() {
      return daemon.engine;
    },
    get call() {
      return daemon.call;
    },
    image: images.small,
    socketPath,
    async create(args, config = {}, name) {
      return await createContainer(daemon.call, daemon.engine, {
        ...(name === undefined ? {} : { name }),
        imageReference: images.small,
        config: { ...defaultContainerConfig, args, ...config },
        labels: {},
        extensions: {},
      });
    },
    async restart(meanwhile) {
      await daemon[Symbol.asyncDispose]();
      await meanwhile?.();
      daemon = await open();
    },
    async reboot() {
      await daemon[Symbol.asyncDispose]();
      log.powerLost = true;
      await losePower(state);
      daemon = await open();
      log.powerLost = false;
    },
    expectErrors(text) {
      log.expected = text;
    },
    async logOf({ logPath }) {
      const lines = (await readFile(logPath, "utf8")).split("\n");
      return lines.map((line) => line.split(" ").slice(3).join(" ")).join("\n");
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

function testConfig({ root, state, socket, more }: Record<"root" | "state" | "socket" | "more", string>) {
  return decodeConfig(
    `[daemon]\nroot = ${JSON.stringify(root)}\nstate = ${JSON.stringify(state)}\n[docker]\nsocket = ${JSON.stringify(socket)}\n${more}`,
  ).config;
}

/** Errors in the log are failures that nobody was there to catch; none may be left at the end. */
class ErrorLog implements Logger {
  readonly errors: string[] = [];
  /** The monitors of a daemon that lost its power are missed by the driver in this process, which is as it should be. */
  powerLost = false;
  expected: RegExp | undefined;
  debug() {}
  info() {}
  warn() {}
  error(fields: LogFields, message: string) {
    if (!this.powerLost && this.expected?.test(message) !== true)
      this.errors.push(`${message}: ${JSON.stringify(fields)}`);
  }
  child() {
    return this;
  }
}

async function losePower(state: string): Promise<void> {
  for (const pid of await findProcesses(state)) await killTree(pid);
  await eventually("every process gone", async () => (await findProcesses(state)).length === 0);
  await unmountBelow(state);
  await rm(state, { recursive: true, force: true });
}

/** conmon and what runs under it. */
async function killTree(pid: number): Promise<void> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // Gone already.
  }
  // Nothing but digits: pid 0 would be this process's own group.
  for (const [child] of children.matchAll(/[1-9]\d*/g)) await killTree(Number(child));
}

async function proveNothingLeft(daemon: Daemon, root: string, state: string, log: ErrorLog): Promise<void> {
  const { call, engine } = daemon;
  for (const { id } of await engine.containers.list(call)) {
    await removeContainer(call, engine, { container: id, force: true, removeVolumes: true });
  }
  const netns = await engine.linuxNamespaces.listNetwork();
  const tasks = await engine.runtime.list();
  await daemon[Symbol.asyncDispose]();
  const mounts = (await readFile("/proc/self/mountinfo", "utf8")).split("\n").map((line) => line.split(" ")[4] ?? "");
  const left = {
    errors: log.errors,
    netns,
    tasks,
    // The directory of pinned linux namespaces is a mount of its own.
    mounts: mounts.filter((path) => path.startsWith(state) && path !== join(state, "netns")),
    processes: await findProcesses(state),
    logs: await readdir(join(root, "containers", call.namespace)).catch(() => []),
  };
  await unmountBelow(state);
  assert.deepEqual(left, { errors: [], netns: [], tasks: [], mounts: [], processes: [], logs: [] });
}
