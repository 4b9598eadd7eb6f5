import assert from "node:assert/strict";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { createClient, type Client, type Interceptor } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { silentLogger } from "#base/logger.ts";
import { ImageService, RuntimeService } from "#gen/runtime/v1/services_pb.ts";
import { openDaemon, type Daemon } from "../../src/daemon/compose.ts";
import { decodeConfig } from "../../src/daemon/config.ts";
import { command, unmountBelow } from "#test/support/processes.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { openTestImages } from "#test/support/test-images.ts";

export type CriClient = {
  readonly runtime: Client<typeof RuntimeService>;
  readonly images: Client<typeof ImageService>;
};

/** A whole daemon with a pod network of its own, and clients of its CRI socket. */
export type CriBed = AsyncDisposable & {
  readonly daemon: Daemon;
  readonly v1: CriClient;
  readonly v1alpha2: CriClient;
  readonly image: string;
  readonly logDirectory: string;
  restart(): Promise<void>;
};

const bridge = "frcritest0";

/** Another bridge and subnet for whoever runs at the same time. */
export type PodNetworkOptions = { readonly bridge: string; readonly subnet: string; readonly dataDir: string };

export async function openCriBed(): Promise<CriBed> {
  await using undo = new AsyncDisposableStack();
  const directory = undo.use(await temporaryDirectory("cri"));
  const images = undo.use(await openTestImages());
  const [root, state, network, logs] = ["root", "state", "net.d", "logs"].map((name) => join(directory.path, name));
  assert.ok(root && state && network && logs);
  await mkdir(network);
  await mkdir(logs);
  await writeFile(
    join(network, "10-pods.conflist"),
    JSON.stringify(podNetwork({ bridge, subnet: "10.231.77.0/24", dataDir: join(directory.path, "leases") })),
  );
  const { config } = decodeConfig(
    `[daemon]\nroot = ${JSON.stringify(root)}\nstate = ${JSON.stringify(state)}\n[docker]\nsocket = ""\n` +
      `[cri]\ncni_conf_dir = ${JSON.stringify(network)}\n`,
  );
  const open = async () => await openDaemon({ config, log: silentLogger });
  let daemon = await open();
  undo.defer(async () => {
    const pods = await daemon.engine.podNamespaces.list();
    await daemon[Symbol.asyncDispose]();
    await unmountBelow(state);
    await command(["ip", "link", "delete", bridge]).catch(() => {});
    assert.deepEqual(pods, []);
    const leases = await readdir(join(directory.path, "leases", "frcritest")).catch(() => []);
    assert.deepEqual(
      leases.filter((name) => /^\d/.test(name)),
      [],
    );
    await rm(state, { recursive: true, force: true });
  });
  const clients = [
    openClient(join(state, "ferry.sock"), "v1"),
    openClient(join(state, "ferry.sock"), "v1alpha2"),
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

/** A client of a CRI socket; `session` is the connection, to be aborted at the end. */
export function openClient(socketPath: string, version: "v1" | "v1alpha2") {
  const baseUrl = "http://localhost";
  const session = new Http2SessionManager(baseUrl, {}, { createConnection: () => connect(socketPath) });
  const toVersion: Interceptor = (next) => async (request) =>
    await next({ ...request, url: request.url.replace("/runtime.v1.", `/runtime.${version}.`) });
  const transport = createGrpcTransport({ baseUrl, sessionManager: session, interceptors: [toVersion] });
  return { session, runtime: createClient(RuntimeService, transport), images: createClient(ImageService, transport) };
}

export function podNetwork({ bridge, subnet, dataDir }: PodNetworkOptions) {
  return {
    cniVersion: "1.0.0",
    name: "frcritest",
    plugins: [
      {
        type: "bridge",
        bridge,
        isGateway: true,
        ipam: { type: "host-local", dataDir, ranges: [[{ subnet }]] },
      },
    ],
  };
}
