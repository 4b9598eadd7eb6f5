import { openSync } from "node:fs";
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { command, startDaemon } from "./processes.ts";

/** References of images in a registry of their own; disposing it ends the registry. */
export type TestImages = AsyncDisposable & {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  /** One layer: busybox, with links for its common applets. */
  readonly small: string;
  /** The same with two layers more, a whiteout among them. */
  readonly layered: string;
  /** Copies an image in by skopeo; `source` in skopeo's words (`oci:DIR:TAG`). Answers its reference here. */
  push(source: string, name: string): Promise<string>;
};

/** Starts Debian's docker-registry on a free port, of loopback unless told otherwise, with images made by umoci. */
export async function openTestImages(address = "127.0.0.1"): Promise<TestImages> {
  await using undo = new AsyncDisposableStack();
  const directory = await mkdtemp("/var/tmp/ferry-images-");
  undo.defer(() => rm(directory, { recursive: true, force: true }));
  const host = `${address}:${await freePort()}`;
  const config = join(directory, "config.yml");
  await writeFile(config, registryConfig(directory, host));
  const log = openSync(join(directory, "log"), "w");
  const ready = async () => (await fetch(`http://${host}/v2/`)).ok;
  undo.use(await startDaemon(["docker-registry", "serve", config], ready, { log }));
  const push = async (source: string, name: string) => {
    await command(["skopeo", "copy", "-q", "--dest-tls-verify=false", source, `docker://${host}/${name}`]);
    return `${host}/${name}`;
  };
  const layout = await imageLayout(directory);
  const small = await push(`oci:${layout}:small`, "busybox:latest");
  const layered = await push(`oci:${layout}:layered`, "layered:latest");
  const stack = undo.move();
  return { host, small, layered, push, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

function registryConfig(directory: string, host: string): string {
  return `version: 0.1
log: { level: error, accesslog: { disabled: true } }
storage: { filesystem: { rootdirectory: ${directory}/data }, delete: { enabled: true } }
http: { addr: "${host}" }
`;
}

/** Writes an OCI layout of gzip'd images `small` and `layered` below `directory`; answers its path. */
export async function imageLayout(directory: string): Promise<string> {
  const layout = join(directory, "layout");
  const tree = await mkdtemp(join(directory, "tree-"));
  const rootfs = join(tree, "rootfs");
  await command(["umoci", "init", "--layout", layout]);
  await command(["umoci", "new", "--image", `${layout}:small`]);
  const path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  await command(["umoci", "config", "--image", `${layout}:small`, "--config.env", path, "--config.cmd", "sh"]);
  await command(["umoci", "unpack", "--image", `${layout}:small`, tree]);
  await fillWithBusybox(rootfs);
  await command(["umoci", "repack", "--refresh-bundle", "--image", `${layout}:small`, tree]);
  await writeFile(join(rootfs, "etc/second"), "second\n");
  await writeFile(join(rootfs, "tmp/gone"), "gone\n");
  await command(["umoci", "repack", "--refresh-bundle", "--image", `${layout}:layered`, tree]);
  await rm(join(rootfs, "tmp/gone"));
  await writeFile(join(rootfs, "etc/third"), "third\n");
  await command(["umoci", "repack", "--image", `${layout}:layered`, tree]);
  return layout;
}

const applets =
  "sh true false sleep echo cat ls id env ps kill mkdir touch rm wget nc nslookup ip head seq dd stat mount hostname ping tail grep vi nsenter".split(
    " ",
  );

async function fillWithBusybox(rootfs: string): Promise<void> {
  for (const name of ["bin", "etc", "tmp", "root", "home", "var", "proc", "sys", "dev"])
    await mkdir(join(rootfs, name), { recursive: true, mode: name === "tmp" ? 0o1777 : 0o755 });
  await cp("/bin/busybox", join(rootfs, "bin/busybox"), { dereference: true });
  for (const applet of applets) await symlink("busybox", join(rootfs, "bin", applet));
  await writeFile(join(rootfs, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\nsailor:x:1000:1000::/home:/bin/sh\n");
  await writeFile(join(rootfs, "etc/group"), "root:x:0:\nsailor:x:1000:\ncrew:x:2000:sailor\n");
}

/** A port of 127.0.0.1 that nobody listens on just now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  const address = server.address();
  server.close();
  return typeof address === "object" && address !== null ? address.port : 0;
}
