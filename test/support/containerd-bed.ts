import { openSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { containerdBinary, containerdEnv, ctrBinary } from "./containerd.ts";
import { command, startDaemon, unmountBelow } from "./processes.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

/** A containerd with its CRI plugin, the machine's own or {@link containerdBinary}'s, on directories of its own. */
export type ContainerdBed = AsyncDisposable & {
  readonly socket: string;
  readonly root: string;
  /** `ctr` in the namespace of pods; its trimmed output. */
  ctr(...words: readonly string[]): Promise<string>;
  log(): Promise<string>;
  /** Ends it as its unit would, and starts it again. */
  restart(): Promise<void>;
};

export type ContainerdSettings = {
  readonly sandboxImage: string;
  /** Where it keeps things, when not with the rest of its own. */
  readonly root?: string;
  /** The CRI plugin's. */
  readonly snapshotter?: string;
};

export async function openContainerdBed(settings: ContainerdSettings): Promise<ContainerdBed> {
  await using undo = new AsyncDisposableStack();
  const { path: directory } = undo.use(await temporaryDirectory("containerd"));
  const at = (name: string) => join(directory, name);
  const { sandboxImage, root = at("root"), snapshotter = "overlayfs" } = settings;
  await mkdir(at("net.d"));
  const socket = at("s");
  // Without a runtime's table containerd 2 forgets the snapshotter of this version.
  await writeFile(
    at("config.toml"),
    `version = 2
root = "${root}"
state = "${at("state")}"
[grpc]
address = "${socket}"
[plugins."io.containerd.grpc.v1.cri"]
restrict_oom_score_adj = true
sandbox_image = "${sandboxImage}"
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "${snapshotter}"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".cni]
conf_dir = "${at("net.d")}"
`,
  );
  const ctr = async (...words: readonly string[]) => {
    return (await command([ctrBinary, "-a", socket, "-n", "k8s.io", ...words])).trim();
  };
  const log = openSync(at("log"), "a");
  const argv = [containerdBinary, "--config", at("config.toml")];
  const start = async () =>
    await startDaemon(argv, async () => (await ctr("version")) !== "", { env: containerdEnv, log });
  undo.defer(async () => await unmountBelow(directory));
  let daemon = await start();
  undo.defer(async () => await daemon[Symbol.asyncDispose]());
  const owned = undo.move();
  return {
    socket,
    root,
    ctr,
    restart: async () => {
      await daemon[Symbol.asyncDispose]();
      daemon = await start();
    },
    log: async () => await readFile(at("log"), "utf8"),
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}
