import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Code } from "@connectrpc/connect";
import { SecurityProfile_ProfileType, SupplementalGroupsPolicy } from "#gen/runtime/v1/security_pb.ts";
import { refused, security, type Case, type Kubelet, type SecurityContext } from "./kubelet.ts";

const netRaw = 1n << 13n;
const sysTime = 1n << 25n;

async function run(kubelet: Kubelet, context: SecurityContext): Promise<string> {
  return await kubelet.run({ linux: security(context) });
}

/** A field of the status of a process that the container starts. */
async function ofProcess(kubelet: Kubelet, id: string, field: string): Promise<string> {
  return await kubelet.shell(id, `grep ^${field}: /proc/self/status | busybox cut -f2-`);
}

const identity = async (kubelet: Kubelet, context: SecurityContext) =>
  await kubelet.shell(await run(kubelet, context), "id -u; id -g; id -G");

export const securityContexts: readonly Case[] = [
  {
    title: "capabilities: added, dropped, all of them dropped",
    run: async (kubelet) => {
      const capabilities = async (add: string[], drop: string[]) => {
        const id = await run(kubelet, { capabilities: { addCapabilities: add, dropCapabilities: drop } });
        return BigInt(`0x${await ofProcess(kubelet, id, "CapEff")}`);
      };
      const usual = await capabilities([], []);
      assert.equal(usual & (netRaw | sysTime), netRaw);
      assert.equal(await capabilities(["SYS_TIME"], ["NET_RAW"]), (usual | sysTime) & ~netRaw);
      assert.equal(await capabilities([], ["ALL"]), 0n);
      assert.equal(await capabilities(["NET_RAW"], ["ALL"]), netRaw);
      await refused(capabilities(["NO_SUCH"], []), Code.InvalidArgument);
    },
  },
  {
    title: "capabilities of a user: none but the ambient ones",
    run: async (kubelet) => {
      const runAsUser = { value: 1000n };
      for (const [ambient, expected] of [
        [[], 0n],
        [["NET_RAW"], netRaw],
      ] as const) {
        const id = await run(kubelet, { runAsUser, capabilities: { addAmbientCapabilities: [...ambient] } });
        for (const field of ["CapEff", "CapAmb"])
          assert.equal(BigInt(`0x${await ofProcess(kubelet, id, field)}`), expected);
      }
    },
  },
  {
    title: "privileged: every capability, devices and a writable /sys; only in a pod that is",
    run: async (kubelet) => {
      const privileged = { privileged: true };
      const pod = await kubelet.pod({
        linux: { securityContext: { ...privileged, namespaceOptions: { network: 2, pid: 1 } } },
      });
      const id = await kubelet.start(pod, { linux: security(privileged) });
      assert.ok((BigInt(`0x${await ofProcess(kubelet, id, "CapEff")}`) & (1n << 21n)) !== 0n);
      assert.match(await kubelet.shell(id, "grep ' /sys ' /proc/mounts"), /\brw\b/);
      await kubelet.shell(id, "test -e /dev/kmsg || test -e /dev/mem || test -e /dev/loop-control");
      await refused(kubelet.create(await kubelet.pod(), { linux: security(privileged) }), Code.InvalidArgument);
      const plain = await kubelet.start(pod);
      assert.match(await kubelet.shell(plain, "grep ' /sys ' /proc/mounts"), /\bro\b/);
    },
  },
  {
    title: "users: by number, by name, with a group, with groups more",
    run: async (kubelet) => {
      assert.equal(await identity(kubelet, {}), "0\n0\n0");
      assert.equal(await identity(kubelet, { runAsUser: { value: 1234n } }), "1234\n0\n0");
      assert.equal(await identity(kubelet, { runAsUsername: "sailor" }), "1000\n1000\n1000 2000");
      const numbered = { runAsUser: { value: 1000n }, runAsGroup: { value: 77n }, supplementalGroups: [88n, 99n] };
      assert.equal(await identity(kubelet, numbered), "1000\n77\n77 88 99 2000");
      await refused(run(kubelet, { runAsGroup: { value: 77n } }), Code.InvalidArgument);
      await refused(run(kubelet, { runAsUsername: "nobody-here" }), Code.InvalidArgument, Code.NotFound);
    },
  },
  {
    title: "groups: merged with the image's, or strictly those that are asked for, and told in the status",
    run: async (kubelet) => {
      const asked = { runAsUser: { value: 1000n }, supplementalGroups: [88n] };
      const { Merge, Strict } = SupplementalGroupsPolicy;
      for (const [supplementalGroupsPolicy, groups] of [
        [Merge, [88, 1000, 2000]],
        [Strict, [88, 1000]],
      ] as const) {
        const id = await run(kubelet, { ...asked, supplementalGroupsPolicy });
        const found = (await kubelet.shell(id, "id -G"))
          .split(" ")
          .map(Number)
          .sort((a, b) => a - b);
        assert.deepEqual(found, groups);
        const user = (await kubelet.status(id)).user?.linux;
        assert.deepEqual([user?.uid, user?.gid], [1000n, 1000n]);
        assert.ok(user?.supplementalGroups.includes(88n));
        assert.equal(user?.supplementalGroups.includes(2000n), supplementalGroupsPolicy === Merge);
      }
    },
  },
  {
    title: "a root that is read-only, and one that is not",
    run: async (kubelet) => {
      const readOnly = await run(kubelet, { readonlyRootfs: true });
      await assert.rejects(kubelet.shell(readOnly, "touch /x"), /[Rr]ead-only file system/);
      await kubelet.shell(readOnly, "touch /dev/shm/x");
      await kubelet.shell(await run(kubelet, {}), "touch /x");
    },
  },
  {
    title: "no new privileges",
    run: async (kubelet) => {
      for (const noNewPrivs of [true, false])
        assert.equal(
          await ofProcess(kubelet, await run(kubelet, { noNewPrivs }), "NoNewPrivs"),
          noNewPrivs ? "1" : "0",
        );
    },
  },
  {
    title: "seccomp: the default profile, none, one of a file, one that is not there",
    run: async (kubelet) => {
      const { RuntimeDefault, Unconfined, Localhost } = SecurityProfile_ProfileType;
      const mode = async (context: SecurityContext) => await ofProcess(kubelet, await run(kubelet, context), "Seccomp");
      assert.equal(await mode({ seccomp: { profileType: RuntimeDefault } }), "2");
      assert.equal(await mode({ seccomp: { profileType: Unconfined } }), "0");
      assert.equal(await mode({ seccompProfilePath: "runtime/default" }), "2");
      const localhostRef = join(kubelet.bed.logs, "seccomp.json");
      const rule = { names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO" };
      await writeFile(localhostRef, JSON.stringify({ defaultAction: "SCMP_ACT_ALLOW", syscalls: [rule] }));
      const id = await run(kubelet, { seccomp: { profileType: Localhost, localhostRef } });
      await assert.rejects(kubelet.shell(id, "mkdir /tmp/x"), /not permitted/);
      const missing = { seccomp: { profileType: Localhost, localhostRef: "/no/such.json" } };
      await refused(run(kubelet, missing), Code.InvalidArgument, Code.NotFound);
    },
  },
  {
    title: "paths of /proc that are masked or read-only",
    run: async (kubelet) => {
      const id = await run(kubelet, { maskedPaths: ["/proc/version", "/proc/irq"], readonlyPaths: ["/proc/sys"] });
      assert.equal(await kubelet.shell(id, "cat /proc/version; ls /proc/irq"), "");
      await assert.rejects(kubelet.shell(id, "echo 1 > /proc/sys/kernel/shmmni"), /[Rr]ead-only file system/);
    },
  },
];
