import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Code } from "@connectrpc/connect";
import { MountPropagation } from "#gen/runtime/v1/containers_pb.ts";
import { command } from "#test/support/processes.ts";
import { refused, security, type Case, type Kubelet } from "./kubelet.ts";

const { PROPAGATION_PRIVATE, PROPAGATION_HOST_TO_CONTAINER, PROPAGATION_BIDIRECTIONAL } = MountPropagation;

async function directory(kubelet: Kubelet, name: string): Promise<string> {
  const path = join(kubelet.bed.logs, name);
  await mkdir(path, { recursive: true });
  return path;
}

/** A directory that is a shared mount of its own for as long as the stack lives. */
async function sharedMount(kubelet: Kubelet, name: string, undo: AsyncDisposableStack): Promise<string> {
  const path = await directory(kubelet, name);
  await command(["mount", "--bind", path, path]);
  undo.defer(async () => void (await command(["umount", "-R", "-l", path])));
  await command(["mount", "--make-shared", path]);
  return path;
}

export const mounts: readonly Case[] = [
  {
    title: "directories and files of the host, writable or not, made where they are missing",
    run: async (kubelet) => {
      const host = await directory(kubelet, "bound");
      await writeFile(join(host, "file"), "from the host");
      const missing = join(host, "made", "by", "mount");
      const id = await kubelet.run({
        mounts: [
          { hostPath: host, containerPath: "/rw" },
          { hostPath: host, containerPath: "/ro", readonly: true },
          { hostPath: join(host, "file"), containerPath: "/etc/one-file", readonly: true },
          { hostPath: missing, containerPath: "/missing" },
        ],
      });
      assert.equal(await kubelet.shell(id, "cat /etc/one-file /ro/file"), "from the hostfrom the host");
      await kubelet.shell(id, "echo written > /rw/out && touch /missing/x");
      assert.equal(await readFile(join(host, "out"), "utf8"), "written\n");
      await assert.rejects(kubelet.shell(id, "touch /ro/x"), /[Rr]ead-only file system/);
      const { mounts: told } = await kubelet.status(id);
      assert.deepEqual(
        told.map(({ containerPath, readonly }) => [containerPath, readonly]),
        [
          ["/rw", false],
          ["/ro", true],
          ["/etc/one-file", true],
          ["/missing", false],
        ],
      );
    },
  },
  {
    title: "the pod's own files give way to mounts at their place",
    run: async (kubelet) => {
      const host = await directory(kubelet, "hosts");
      await writeFile(join(host, "hosts"), "10.1.2.3 kubelet-made\n");
      const id = await kubelet.run({ mounts: [{ hostPath: join(host, "hosts"), containerPath: "/etc/hosts" }] });
      assert.equal(await kubelet.shell(id, "cat /etc/hosts"), "10.1.2.3 kubelet-made");
    },
  },
  {
    title: "propagation: none, from the host, and both ways for the privileged",
    run: async (kubelet) => {
      await using undo = new AsyncDisposableStack();
      const host = await sharedMount(kubelet, "propagated", undo);
      await mkdir(join(host, "later"));
      const pod = await kubelet.pod({
        linux: { securityContext: { privileged: true, namespaceOptions: { network: 2, pid: 1 } } },
      });
      const start = async (propagation: MountPropagation) =>
        await kubelet.start(pod, {
          mounts: [{ hostPath: host, containerPath: "/shared", propagation }],
          linux: security({ privileged: true }),
        });
      const [none, slave, shared] = [
        await start(PROPAGATION_PRIVATE),
        await start(PROPAGATION_HOST_TO_CONTAINER),
        await start(PROPAGATION_BIDIRECTIONAL),
      ];
      await command(["mount", "-t", "tmpfs", "propagated", join(host, "later")]);
      const sees = async (id: string) => await kubelet.shell(id, "grep -c ' /shared/later ' /proc/mounts || true");
      assert.deepEqual([await sees(none), await sees(slave), await sees(shared)], ["0", "1", "1"]);
      await kubelet.shell(shared, "mkdir /shared/back && mount -t tmpfs back /shared/back");
      assert.match(await readFile("/proc/self/mountinfo", "utf8"), new RegExp(` ${host}/back `));
    },
  },
  {
    title: "read-only with all that is mounted below, where that is asked for",
    run: async (kubelet) => {
      await using undo = new AsyncDisposableStack();
      const host = await sharedMount(kubelet, "recursive", undo);
      await mkdir(join(host, "below"));
      await command(["mount", "-t", "tmpfs", "below", join(host, "below")]);
      const mount = { hostPath: host, readonly: true };
      const { status } = { status: await kubelet.runtime.status({}) };
      const can = status.runtimeHandlers.every(({ features }) => features?.recursiveReadOnlyMounts === true);
      const id = await kubelet.run({
        mounts: [
          { ...mount, containerPath: "/plain" },
          ...(can ? [{ ...mount, containerPath: "/deep", recursiveReadOnly: true }] : []),
        ],
      });
      await kubelet.shell(id, "touch /plain/below/x");
      if (can) await assert.rejects(kubelet.shell(id, "touch /deep/below/y"), /[Rr]ead-only file system/);
    },
  },
  {
    title: "what cannot be is refused",
    run: async (kubelet) => {
      const pod = await kubelet.pod();
      const [hostPath, containerPath] = [await directory(kubelet, "refused"), "/x"];
      for (const bad of [
        { containerPath },
        { hostPath },
        { hostPath: "relative", containerPath },
        { hostPath, containerPath, recursiveReadOnly: true },
      ])
        await refused(kubelet.create(pod, { mounts: [bad] }), Code.InvalidArgument);
    },
  },
  {
    title: "devices of the host under another name, with no more than they are given",
    run: async (kubelet) => {
      const id = await kubelet.run({
        devices: [
          { hostPath: "/dev/null", containerPath: "/dev/nothing", permissions: "rw" },
          { hostPath: "/dev/zero", containerPath: "/dev/only-read", permissions: "r" },
        ],
      });
      await kubelet.shell(id, "echo x > /dev/nothing && dd if=/dev/only-read of=/tmp/z bs=10 count=1");
      assert.equal(await kubelet.shell(id, "stat -c %t:%T /dev/nothing /dev/only-read"), "1:3\n1:5");
      await refused(kubelet.run({ devices: [{ hostPath: "/dev/no-such" }] }), Code.InvalidArgument, Code.NotFound);
    },
  },
];
