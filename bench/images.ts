import { openSync } from "node:fs";
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { debianImage } from "#test/support/debian-image.ts";
import { command, startDaemon } from "./processes.ts";

/** A registry on loopback (Debian's docker-registry) that has a small image and the Debian one. */
export async function openImages(directory: string): Promise<AsyncDisposable & { small: string; big: string }> {
  await using undo = new AsyncDisposableStack();
  await mkdir(directory, { recursive: true });
  const host = `127.0.0.1:${await freePort()}`;
  const config = join(directory, "config.yml");
  await writeFile(
    config,
    `version: 0.1
log: { level: error, accesslog: { disabled: true } }
storage: { filesystem: { rootdirectory: ${directory}/data } }
http: { addr: "${host}" }
`,
  );
  const ready = async () => (await fetch(`http://${host}/v2/`)).ok;
  const log = openSync(join(directory, "log"), "w");
  undo.use(await startDaemon(["docker-registry", "serve", config], ready, { log }));
  const { layout, tag } = await debianImage();
  await push(`oci:${layout}:${tag}`, `${host}/debian:bookworm`);
  const small = await smallImage(directory);
  await push(`oci:${small}:latest`, `${host}/busybox:latest`);
  const stack = undo.move();
  return {
    small: `${host}/busybox:latest`,
    big: `${host}/debian:bookworm`,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

async function push(source: string, target: string): Promise<void> {
  await command(["skopeo", "copy", "-q", "--dest-tls-verify=false", source, `docker://${target}`]);
}

/** One layer with busybox and links for the applets that the scenarios run. */
async function smallImage(directory: string): Promise<string> {
  const layout = join(directory, "small");
  const tree = await mkdtemp(join(directory, "tree-"));
  await command(["umoci", "init", "--layout", layout]);
  await command(["umoci", "new", "--image", `${layout}:latest`]);
  await command(["umoci", "unpack", "--image", `${layout}:latest`, tree]);
  const rootfs = join(tree, "rootfs");
  for (const name of ["bin", "etc", "tmp", "proc", "sys", "dev"]) await mkdir(join(rootfs, name), { recursive: true });
  await cp("/bin/busybox", join(rootfs, "bin/busybox"), { dereference: true });
  for (const applet of ["sh", "true", "sleep", "echo", "cat", "ls"])
    await symlink("busybox", join(rootfs, "bin", applet));
  await writeFile(join(rootfs, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n");
  await command(["umoci", "repack", "--image", `${layout}:latest`, tree]);
  const path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  await command(["umoci", "config", "--image", `${layout}:latest`, "--config.env", path, "--config.cmd", "sh"]);
  await rm(tree, { recursive: true, force: true });
  return layout;
}

async function freePort(): Promise<number> {
  const server = createServer();
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  const address = server.address();
  server.close();
  return typeof address === "object" && address !== null ? address.port : 0;
}
