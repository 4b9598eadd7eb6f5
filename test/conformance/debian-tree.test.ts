import assert from "node:assert/strict";
import { join } from "node:path";
import test from "node:test";
import { containerRoot } from "#test/support/container-root.ts";
import { debianImage } from "#test/support/debian-image.ts";
import { startDebianRegistry } from "#test/support/debian-registry.ts";
import { FerryBed } from "#test/support/ferry-bed.ts";
import { command } from "#test/support/processes.ts";
import { requireBinary, requireRoot } from "#test/support/require.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { treeListing } from "#test/support/tree-listing.ts";

for (const snapshotter of ["overlayfs", "native"]) {
  test(`${snapshotter}: a Debian image that ferry pulled is the tree that umoci unpacks`, async (t) => {
    if (!requireRoot(t) || !requireBinary(t, "docker-registry", "skopeo", "umoci", "debootstrap", "conmon")) return;
    const { layout, tag } = await debianImage();
    await using registry = await startDebianRegistry();
    await using directory = await temporaryDirectory("umoci");
    const bundle = join(directory.path, "bundle");
    await command(["umoci", "unpack", "--image", `${layout}:${tag}`, bundle]);
    const expected = await treeListing(join(bundle, "rootfs"));
    assert.ok(expected.length > 10_000);
    await registry.skopeo("copy", "-q", `oci:${layout}:${tag}`, "docker://@/debian:bookworm");
    await using ferry = await FerryBed.open({ config: `[snapshots]\ndefault = "${snapshotter}"` });
    const reference = `${registry.host}/debian:bookworm`;
    await ferry.run("pull", "-q", reference);
    await ferry.run("run", "-d", "--name", "look", "--network", "none", reference, "sleep", "1000");
    assert.deepEqual(withoutRuntimes(await treeListing(await containerRoot(ferry, "look"))), withoutRuntimes(expected));
    const script = "import sqlite3, ssl; print('python')";
    assert.equal(await ferry.run("exec", "look", "python3", "-c", script), "python");
    assert.equal(await ferry.run("exec", "look", "perl", "-e", "print 'perl'"), "perl");
    assert.match(await ferry.run("exec", "look", "git", "--version"), /^git version/);
    await ferry.run("rm", "-f", "look");
  });
}

/**
 * Without what the runtime puts into a container: a file to mount `/etc/hosts` on, and so a new time of `/etc`; and
 * without the root itself, which is the container's own directory (its time is the image's, in microseconds).
 */
function withoutRuntimes(listing: readonly string[]): string[] {
  return listing.filter((line) => !/^\.\|d\||^\.\/etc\|d\||^\.\/etc\/hosts\||  \.\/etc\/hosts$/.test(line));
}
