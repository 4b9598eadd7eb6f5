import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, cp, mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import test, { type TestContext } from "node:test";
import { requireRoot } from "#test/support/require.ts";
import { runToEnd, type Output } from "#test/support/ferry-bed.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { treeListing } from "#test/support/tree-listing.ts";
import type { Plan, Step } from "../plan/step.ts";
import { readState } from "./migration-run.ts";

const fixture = new URL("apply-plan.fixture.ts", import.meta.url).pathname;
const flags = "KUBELET_KUBEADM_ARGS=--network-plugin=cni\n";

test("a plan killed after any record is finished by the next apply, and taken back to the byte", async (t) => {
  if (!requireRoot(t)) return;
  await using bed = await openBed(t);
  const original = await bed.listing();
  await bed.run("apply");
  const applied = await bed.contents();
  const records = (await readState(bed.directory)).length;
  await bed.run("rollback");
  assert.deepEqual(await bed.listing(), original);
  assert.notDeepEqual(await bed.contents(), applied);

  const points = Array.from({ length: records }, (_, at) => at + 1);
  const judge = async (at: number) => {
    await using killed = await openBed(t);
    await killed.run("apply", at);
    await killed.keep();
    await killed.run("apply");
    assert.deepEqual(await killed.contents(), applied, `killed after record ${at}`);
    await killed.takeKept();
    await killed.run("rollback", 1 + (at % 4));
    await killed.run("rollback");
    assert.deepEqual(await killed.listing(), original, `killed after record ${at} and on the way back`);
  };
  await Promise.all(
    [0, 1, 2].map(async (lane) => {
      for (const at of points.filter((point) => point % 3 === lane)) await judge(at);
    }),
  );
});

test("a file that changed since the plan was made stops apply before anything is touched", async (t) => {
  if (!requireRoot(t)) return;
  await using bed = await openBed(t);
  await writeFile(join(bed.root, "etc/crictl.yaml"), "timeout: 3\n");
  const before = await bed.listing();
  const { code, stderr } = await bed.start("apply");
  assert.equal(code, 1);
  assert.match(stderr, /\/etc\/crictl.yaml has come since the plan was made/);
  assert.deepEqual(await bed.listing(), before);
  // Whoever is refused makes another plan, and need not take anything back first.
  await rm(join(bed.root, "etc/crictl.yaml"));
  await bed.rewritePlan((text) => text.replace("2026-01-01", "2026-01-02"));
  await bed.run("apply");
});

test("a step that fails takes everything back", async (t) => {
  if (!requireRoot(t)) return;
  const impossible: Step = {
    id: "90-refuse",
    title: "Refuse",
    why: "to fail",
    kind: "preflight",
    require: [{ t: "command", name: "no-such-command-anywhere" }],
  };
  await using bed = await openBed(t, [impossible]);
  const before = await bed.listing();
  const { code, stderr } = await bed.start("apply");
  assert.equal(code, 1);
  assert.match(stderr, /step 90-refuse: node: needs the command no-such-command-anywhere\nthe node is back as it was/);
  assert.deepEqual(await bed.listing(), before);
});

/** A small host root, a plan that makes, changes and removes files, and a process that works on them. */
async function openBed(t: TestContext, more: readonly Step[] = []) {
  await using undo = new AsyncDisposableStack();
  const own = undo.use(await temporaryDirectory("apply"));
  const at = (name: string) => join(own.path, name);
  await makeRoot(at("pristine"));
  await mkdir(at("bin"));
  await writeFile(at("bin/systemctl"), "#!/bin/sh\nexit 0\n", { mode: 0o755 });
  await writeFile(at("plan.json"), JSON.stringify(plan(more)));
  const [root, directory] = [at("root"), at("state")];
  const copy = (from: string, to: string) => execFileSync("cp", ["--archive", at(from), at(to)]);
  copy("pristine", "root");
  const start = async (verb: "apply" | "rollback", killAfter = 0): Promise<Output> => {
    const argv = [process.execPath, "--conditions=source", fixture, verb, root, directory, at("plan.json")];
    return await runToEnd([...argv, String(killAfter)], { env: { PATH: `${at("bin")}:${process.env["PATH"]}` } });
  };
  const owned = undo.move();
  return {
    root,
    directory,
    start,
    rewritePlan: async (change: (text: string) => string) =>
      await writeFile(at("plan.json"), change(await readFile(at("plan.json"), "utf8"))),
    keep: async () => await Promise.resolve([copy("root", "kept-root"), copy("state", "kept-state")]),
    takeKept: async () => {
      for (const path of [root, directory]) await rm(path, { recursive: true, force: true });
      copy("kept-root", "root");
      copy("kept-state", "state");
    },
    /** Ends well, or by its own SIGKILL where that was asked for and the journal came so far. */
    run: async (verb: "apply" | "rollback", killAfter = 0) => {
      const { code, stderr } = await start(verb, killAfter);
      assert.ok(code === 0 || (code === null && killAfter > 0), `${verb}: ${code} ${stderr} ${t.name}`);
    },
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
    { ...named("99-purge"), kind: "purge", manager: "none", packages: [], paths: ["/etc/docker"] },
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

test("the journal of the undisturbed run names each step twice", async (t) => {
  if (!requireRoot(t)) return;
  await using bed = await openBed(t);
  await bed.run("apply");
  const words = (await readState(bed.directory)).map((record) =>
    "step" in record ? `${record.t} ${record.step}` : record.t,
  );
  assert.deepEqual(words.slice(0, 3), ["opened", "begun 01-preflight", "done 01-preflight"]);
  assert.deepEqual(words.slice(-2), ["done 05-sweep", "applied"]);
  assert.equal(await readFile(join(bed.root, "etc/real/kubelet"), "utf8"), "KUBELET_EXTRA_ARGS=--x\n");
});
