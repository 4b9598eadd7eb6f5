import { cp, mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { command } from "./processes.ts";

/** `pause` sleeps, and has a layer with nothing in it; the others print `/etc/says`. */
export const dockerImageNames = [
  "ferry.test/base:1",
  "ferry.test/layered:1",
  "ferry.test/emptied:1",
  "ferry.test/pause:1",
] as const;

/**
 * Images of a Docker engine with what a carrier must not lose, made by tar and Docker itself: several layers,
 * whiteouts, an opaque directory, hard links, xattrs, a file capability, holes, devices, setuid, names that are no UTF-8.
 *
 * Each runs `busybox sh`; containers need no network. `directory` is for temporary files.
 */
export async function makeDockerImages(host: string, directory: string): Promise<readonly string[]> {
  const docker = async (...args: string[]) => await command(["docker", "--host", host, ...args]);
  const tree = join(directory, "image-tree");
  await fillTree(tree);
  const tar = join(directory, "image.tar");
  const options = ["--numeric-owner", "--format=pax", "--xattrs", "--xattrs-include=*"];
  await command(["tar", "-C", tree, ...options, "-cf", tar, "."]);
  const [base, layered, emptied, pause] = dockerImageNames;
  await docker("import", "--change", 'CMD ["/bin/sh", "-c", "cat /etc/says"]', tar, base);
  const changes = [
    "rm -r /usr/gone /etc/dropped",
    "echo layered > /etc/says",
    "ln /usr/share/data /usr/share/again",
    "echo more >> /usr/share/linked",
    "mkdir -p /srv/new/deep",
    "chown 1000:1000 /srv/new",
    "chmod 2755 /srv/new",
    "touch /srv/new/deep/file",
    "truncate -s 8000000 /srv/new/holes",
  ];
  await change(docker, { from: base, to: layered, script: changes.join(" && ") });
  const renewed = ["rm -r /usr/share", "mkdir /usr/share", "echo fresh > /usr/share/fresh", "echo emptied > /etc/says"];
  await change(docker, { from: layered, to: emptied, script: renewed.join(" && ") });
  await docker("create", "--name", "make-pause", base);
  await docker("commit", "--change", 'CMD ["/bin/sleep", "1000"]', "make-pause", pause);
  await docker("rm", "make-pause");
  return dockerImageNames;
}

type Change = { readonly from: string; readonly to: string; readonly script: string };

/** A layer from what a command changes. */
async function change(docker: (...args: string[]) => Promise<string>, { from, to, script }: Change): Promise<void> {
  const name = `make-${to.replaceAll(/[^a-z]/g, "")}`;
  await docker("run", "--name", name, "--network=none", from, "/bin/sh", "-c", script);
  await docker("commit", "--change", 'CMD ["/bin/sh", "-c", "cat /etc/says"]', name, to);
  await docker("rm", name);
}

const applets = "sh cat rm mkdir ls touch ln chown chmod echo sleep stat truncate".split(" ");

async function fillTree(tree: string): Promise<void> {
  const at = (path: string) => join(tree, path);
  for (const path of ["bin", "etc", "dev", "proc", "sys", "tmp", "usr/share", "usr/gone/deep", "srv", "root"]) {
    await mkdir(at(path), { recursive: true });
  }
  await cp("/bin/busybox", at("bin/busybox"), { dereference: true });
  for (const applet of applets) await symlink("busybox", at(`bin/${applet}`));
  await writeFile(at("etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n");
  await writeFile(at("etc/says"), "base\n");
  await writeFile(at("etc/dropped"), "dropped\n");
  await writeFile(at("usr/gone/deep/file"), "gone\n");
  await writeFile(at("usr/share/data"), Buffer.alloc(3_000_000, "0123456789"));
  await writeFile(at("usr/share/linked"), "linked\n");
  await writeFile(Buffer.concat([Buffer.from(at("usr/share/caf")), Buffer.from([0xe9])]), "latin-1\n");
  await writeFile(at(`usr/share/${"long-name-".repeat(20)}`), "long\n");
  await command(["ln", at("usr/share/linked"), at("usr/share/linked-too")]);
  await command(["setcap", "cap_net_raw+ep", at("bin/busybox")]);
  await command(["setfattr", "-n", "user.ferry", "-v", "kept", at("etc/says")]);
  await command(["mknod", at("dev/null"), "c", "1", "3"]);
  await command(["mkfifo", at("tmp/pipe")]);
  await command(["chmod", "1777", at("tmp")]);
  await command(["chmod", "4755", at("usr/share/data")]);
  await command(["chown", "-h", "12:34", at("usr/share/linked")]);
  await command(["touch", "-d", "2001-02-03T04:05:06.789012345Z", at("usr/share/data")]);
}
