import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, cp, mkdir, open, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { errnoOf } from "#base/errors.ts";
import { defaultApiTimeoutMs } from "#migrate/apply/cluster-node.ts";
import { temporaryOf } from "#migrate/host/host-files.ts";
import type { Plan, Step } from "#migrate/plan/step.ts";
import { runToEnd, type Output } from "./ferry-bed.ts";
import { temporaryDirectory } from "./temporary-directory.ts";
import { treeListing } from "./tree-listing.ts";

const fixture = new URL("../../src/migrate/apply/apply-plan.fixture.ts", import.meta.url).pathname;
const flags = "KUBELET_KUBEADM_ARGS=--network-plugin=cni\n";

export type ApplyBedOptions = {
  /** Steps behind those that are always there, before the purge. */
  readonly more?: readonly Step[];
  /** Of the API server that its processes speak to. */
  readonly kubeconfig?: string;
  /** Where its processes keep compiled code; a directory that outlives many beds saves time. */
  readonly compileCache?: string;
  /** Root and journal lie on a disk of their own of so many bytes, which can be filled. */
  readonly diskBytes?: number;
};

type Verb = "apply" | "rollback" | "purge";

/** A small host root, a plan that makes, changes and removes files, and a process that works on them. */
export async function openApplyBed({ more = [], kubeconfig, compileCache, diskBytes }: ApplyBedOptions = {}) {
  await using undo = new AsyncDisposableStack();
  const own = undo.use(await temporaryDirectory("apply"));
  const at = (name: string) => join(own.path, name);
  await makeRoot(at("pristine"));
  await mkdir(at("bin"));
  await writeFile(at("bin/systemctl"), "#!/bin/sh\nexit 0\n", { mode: 0o755 });
  await writeFile(at("plan.json"), JSON.stringify(plan(more)));
  await mkdir(at("disk"));
  if (diskBytes !== undefined) {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${diskBytes}`, "ferry-apply", at("disk")]);
    undo.defer(() => void execFileSync("umount", ["-l", at("disk")]));
  }
  const [root, directory] = [at("disk/root"), at("disk/state")];
  const copy = (from: string, to: string) => execFileSync("cp", ["--archive", at(from), at(to)]);
  copy("pristine", "disk/root");
  const env = {
    PATH: `${at("bin")}:${process.env["PATH"]}`,
    ...(kubeconfig === undefined ? {} : { KUBECONFIG: kubeconfig }),
    ...(compileCache === undefined ? {} : { NODE_COMPILE_CACHE: compileCache }),
  };
  const start = async (verb: Verb, killAfter = 0, apiTimeoutMs = defaultApiTimeoutMs): Promise<Output> => {
    const argv = [process.execPath, "--conditions=source", fixture, verb, root, directory, at("plan.json")];
    return await runToEnd([...argv, String(killAfter), String(apiTimeoutMs)], { env, timeoutMs: 300_000 });
  };
  const owned = undo.move();
  return {
    root,
    directory,
    start,
    rewritePlan: async (change: (text: string) => string) =>
      await writeFile(at("plan.json"), change(await readFile(at("plan.json"), "utf8"))),
    keep: async () => await Promise.resolve([copy("disk/root", "kept-root"), copy("disk/state", "kept-state")]),
    takeKept: async () => {
      for (const path of [root, directory]) await rm(path, { recursive: true, force: true });
      copy("kept-root", "disk/root");
      copy("kept-state", "disk/state");
    },
    /** Ends well, or by its own SIGKILL where that was asked for and the journal came so far. */
    run: async (verb: Verb, killAfter = 0) => {
      const { code, stderr } = await start(verb, killAfter);
      assert.ok(code === 0 || (code === null && killAfter > 0), `${verb}: ${code} ${stderr}`);
    },
    /** Leaves so many bytes of its disk free. */
    fill: async (leaveBytes: number) => {
      await using file = await open(at("disk/filler"), "w");
      let bytes = 0;
      for (const page = Buffer.alloc(4_096, 1); ; bytes += page.length) {
        try {
          await file.write(page, 0, page.length, bytes);
        } catch (error) {
          if (errnoOf(error) !== "ENOSPC") throw error;
          break;
        }
      }
      await file.truncate(Math.max(0, bytes - leaveBytes));
    },
    /** What a process that is killed while it writes these files leaves. */
    leaveHalf: async (paths: readonly string[]) => {
      for (const path of paths) {
        await mkdir(dirname(join(root, path)), { recursive: true });
        await writeFile(temporaryOf(join(root, path)), "ha");
      }
    },
    makeRoom: async () => await rm(at("disk/filler")),
    /** Everything but the times of directories, which files came to and went from. */
    listing: async () => (await treeListing(root)).map((line) => line.replace(/(\|d\|.*)\|[\d.]+$/, "$1")),
    contents: async () => (await treeListing(root)).map((line) => line.replace(/\|\d+\.\d{10}/, "")),
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

async function makeRoot(root: string): Promise<void> {
  const files: Record<string, string> = {
    "var/lib/kubelet/kubeadm-flags.env": flags,
    "etc/docker/daemon.json": '{"log-driver":"json-file"}',
    "etc/cni/net.d/10-bridge.conflist": "{}",
    "etc/real/kubelet": "KUBELET_EXTRA_ARGS=\n",
    "var/lib/dockershim/sandbox/1": "x",
    "var/lib/docker/volumes/v/_data/x": "x",
  };
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  await mkdir(join(root, "etc/default"));
  await symlink("/etc/real/kubelet", join(root, "etc/default/kubelet"));
  await chmod(join(root, "etc/docker/daemon.json"), 0o640);
  execFileSync("chown", ["7:8", join(root, "etc/docker/daemon.json")]);
  execFileSync("setfattr", ["-n", "user.origin", "-v", "distribution", join(root, "etc/docker/daemon.json")]);
  await cp(join(root, "etc/docker/daemon.json"), join(root, "etc/docker/daemon.json.bak"));
  const touch = ["-exec", "touch", "--no-dereference", "-d", "2021-02-03T04:05:06.123456789Z", "{}", "+"];
  execFileSync("find", [root, ...touch]);
}

function plan(more: readonly Step[]): Plan {
  const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
  const named = (id: string) => ({ id, title: `Step ${id}`, why: "for a test" });
  const change = (path: string, content: string | null, was: string | null) => {
    return { path, content, expectSha256: was === null ? null : sha256(was), why: "for a test" };
  };
  const steps: Step[] = [
    { ...named("01-preflight"), kind: "preflight", require: [{ t: "root" }, { t: "command", name: "cp" }] },
    { ...named("02-snapshot"), kind: "snapshot", paths: ["/etc/docker", "/etc/default/kubelet"], units: [] },
    {
      ...named("03-write"),
      kind: "write-files",
      files: [
        { ...change("/etc/containerd/certs.d/a/hosts.toml", "x", null), mode: 0o600 },
        change("/etc/crictl.yaml", "timeout: 10\n", null),
        change("/var/lib/kubelet/kubeadm-flags.env", "A=\n", flags),
        change("/etc/docker/daemon.json", null, '{"log-driver":"json-file"}'),
      ],
    },
    {
      ...named("04-write"),
      kind: "write-files",
      files: [
        change("/etc/default/kubelet", "KUBELET_EXTRA_ARGS=--x\n", "KUBELET_EXTRA_ARGS=\n"),
        change("/etc/crictl.yaml", "timeout: 9\n", "timeout: 10\n"),
      ],
    },
    { ...named("05-sweep"), kind: "sweep-residue", items: [{ t: "path", path: "/var/lib/dockershim" }] },
    ...more,
    { ...named("99-purge"), kind: "purge", manager: "none", packages: [], paths: ["/etc/docker", "/var/lib/docker"] },
  ];
  return {
    version: 1,
    node: "n1",
    target: "containerd",
    madeAt: "2026-01-01T00:00:00Z",
    notes: [],
    from: { kubelet: "v1.23.17", runtime: "docker://20.10.24", layout: "kubeadm" },
    steps,
  };
}
