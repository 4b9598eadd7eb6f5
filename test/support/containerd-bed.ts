import { openSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { command, startDaemon, unmountBelow } from "./processes.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

/** The machine's own containerd with its CRI plugin, on directories of its own. */
export type ContainerdBed = AsyncDisposable & {
  readonly socket: string;
  readonly root: string;
  /** `ctr` in the namespace of pods; its trimmed output. */
  ctr(...words: readonly string[]): Promise<string>;
  log(): Promise<string>;
};

/** `root`: where it keeps things, when not with the rest of its own. */
export async function openContainerdBed(settings: { sandboxImage: string; root?: string }): Promise<ContainerdBed> {
  await using undo = new AsyncDisposableStack();
  const { path: directory } = undo.use(await temporaryDirectory("containerd"));
  const at = (name: string) => join(directory, name);
  const { sandboxImage, root = at("root") } = settings;
  await mkdir(at("net.d"));
  const socket = at("s");
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
[plugins."io.containerd.grpc.v1.cri".cni]
conf_dir = "${at("net.d")}"
`,
  );
  const ctr = async (...words: readonly string[]) => {
    return (await command(["ctr", "-a", socket, "-n", "k8s.io", ...words])).trim();
  };
  const log = openSync(at("log"), "w");
  const argv = ["containerd", "--config", at("config.toml")];
  undo.defer(async () => await unmountBelow(directory));
  undo.use(await startDaemon(argv, async () => (await ctr("version")) !== "", { log }));
  const owned = undo.move();
  return {
    socket,
    root,
    ctr,
    log: async () => await readFile(at("log"), "utf8"),
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}
