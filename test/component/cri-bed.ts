import assert from "node:assert/strict";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { silentLogger } from "#base/logger.ts";
import { openDaemon, type Daemon } from "../../src/daemon/compose.ts";
import { decodeConfig } from "../../src/daemon/config.ts";
import { openCriClient, type CriClient } from "#test/support/cri-client.ts";
import { podNetwork } from "#test/support/pod-network.ts";
import { command, unmountBelow } from "#test/support/processes.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { openTestImages, type TestImages } from "#test/support/test-images.ts";

/** A whole daemon with a pod network of its own, and clients of its CRI socket. */
export type CriBed = AsyncDisposable & {
  readonly daemon: Daemon;
  readonly v1: CriClient;
  readonly v1alpha2: CriClient;
  readonly image: string;
  readonly registry: TestImages;
  /** Where it was asked for. */
  readonly dockerSocket: string;
  /** Where a test may put what it likes. */
  readonly directory: string;
  readonly logDirectory: string;
  restart(): Promise<void>;
};

export type CriBedOptions = {
  /** Whether Docker's socket is served too. */
  readonly docker?: boolean;
  /** Another network for whoever runs at the same time. */
  readonly bridge?: string;
  readonly subnet?: string;
  /** More lines of the configuration, which are in its section `cri` to begin with. */
  readonly config?: (images: TestImages, directory: string) => string;
};

export async function openCriBed(options: CriBedOptions = {}): Promise<CriBed> {
  const { bridge = "frcritest0", subnet = "10.231.77.0/24" } = options;
  await using undo = new AsyncDisposableStack();
  const directory = undo.use(await temporaryDirectory("cri"));
  const images = undo.use(await openTestImages());
  const [root, state, network, logs] = ["root", "state", "net.d", "logs"].map((name) => join(directory.path, name));
  assert.ok(root && state && network && logs);
  const dockerSocket = join(directory.path, "docker.sock");
  await mkdir(network);
  await mkdir(logs);
  await writeFile(
    join(network, "10-pods.conflist"),
    JSON.stringify(podNetwork({ bridge, subnet, dataDir: join(directory.path, "leases") })),
  );
  const { config } = decodeConfig(
    `[daemon]\nroot = ${JSON.stringify(root)}\nstate = ${JSON.stringify(state)}\n[docker]\nsocket = ${JSON.stringify(options.docker === true ? dockerSocket : "")}\n` +
      `[cri]\ncni_conf_dir = ${JSON.stringify(network)}\n${options.config?.(images, directory.path) ?? ""}`,
  );
  const open = async () => await openDaemon({ config, log: silentLogger });
  let daemon = await open();
  undo.defer(async () => {
    const pods = await daemon.engine.podNamespaces.list();
    await daemon[Symbol.asyncDispose]();
    await unmountBelow(state);
    await command(["ip", "link", "delete", bridge]).catch(() => {});
    assert.deepEqual(pods, []);
    const leases = await readdir(join(directory.path, "leases", bridge)).catch(() => []);
    assert.deepEqual(
      leases.filter((name) => /^\d/.test(name)),
      [],
    );
    await rm(state, { recursive: true, force: true });
  });
  const clients = [
    openCriClient(join(state, "ferry.sock"), "v1"),
    openCriClient(join(state, "ferry.sock"), "v1alpha2"),
  ] as const;
  undo.defer(() => clients.forEach(({ session }) => session.abort()));
  const held = undo.move();
  return {
    get daemon() {
      return daemon;
    },
    v1: clients[0],
    v1alpha2: clients[1],
    image: images.small,
    registry: images,
    dockerSocket,
    directory: directory.path,
    logDirectory: logs,
    async restart() {
      await daemon[Symbol.asyncDispose]();
      daemon = await open();
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

/** Lines of a container's log without time and stream. */
export async function readLog(path: string): Promise<string[]> {
  const lines = (await readFile(path, "utf8")).trimEnd().split("\n");
  return lines.map((line) => line.split(" ").slice(3).join(" "));
}
