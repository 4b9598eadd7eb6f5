import assert from "node:assert/strict";
import { lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { listDockerPodLogs } from "./docker-logs.ts";
import { listLogFiles } from "./log-files.ts";
import { replayLogs } from "./replay-logs.ts";

const time = "2026-01-02T03:04:05Z";
const entry = (text: string) => `{"log":"${text}\\n","stream":"stdout","time":"${time}"}\n`;
const labels = {
  "io.kubernetes.docker.type": "container",
  "io.kubernetes.pod.namespace": "shop",
  "io.kubernetes.pod.name": "web-0",
  "io.kubernetes.pod.uid": "1b2c",
  "io.kubernetes.container.name": "app",
  "annotation.io.kubernetes.container.restartCount": "2",
};

async function dockerRoot(t: TestContext, own: Record<string, string> = {}) {
  const root = await mkdtemp(join(tmpdir(), "ferry-replay-"));
  t.after(() => rm(root, { recursive: true }));
  const id = "a".repeat(64);
  const directory = join(root, "containers", id);
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, "config.v2.json"), JSON.stringify({ Config: { Labels: { ...labels, ...own } } }));
  await writeFile(join(directory, `${id}-json.log`), entry("new").repeat(100));
  await writeFile(join(directory, `${id}-json.log.1`), entry("old"));
  await writeFile(join(directory, `${id}-json.log.2.gz`), gzipSync(entry("oldest")));
  return { root, pods: join(root, "pods"), log: join(directory, `${id}-json.log`) };
}

async function replay({ root, pods }: { root: string; pods: string }) {
  const { logs } = await listDockerPodLogs(root);
  const outcomes: string[] = [];
  for (const log of logs) for await (const { outcome } of replayLogs(log, pods)) outcomes.push(outcome);
  return outcomes;
}

test("a pod's logs stand where the kubelet looks, rotated ones too, and the link into Docker's root is gone", async (t) => {
  const docker = await dockerRoot(t);
  const directory = join(docker.pods, "shop_web-0_1b2c", "app");
  await mkdir(directory, { recursive: true });
  await symlink(docker.log, join(directory, "2.log"));
  assert.deepEqual(await replay(docker), ["written", "written", "written"]);
  assert.ok((await lstat(join(directory, "2.log"))).isFile());
  const files = await listLogFiles(directory);
  assert.deepEqual(
    await Promise.all(
      files.map(async (path) =>
        (path.endsWith(".gz") ? gunzipSync(await readFile(path)) : await readFile(path)).toString(),
      ),
    ),
    ["oldest", "old", "new"].map((text) => `${time} stdout F ${text}\n`.repeat(text === "new" ? 100 : 1)),
  );
  assert.deepEqual(await replay(docker), ["kept", "kept", "kept"]);
  assert.equal((await readdir(directory)).length, 3);
});

test("labels that would lead out of the kubelet's directory are refused, and nothing is written", async (t) => {
  const docker = await dockerRoot(t, { "io.kubernetes.pod.name": "../../etc" });
  const { logs, unreadable } = await listDockerPodLogs(docker.root);
  assert.deepEqual([logs, unreadable.length], [[], 1]);
  assert.match(unreadable[0]?.reason ?? "", /label io.kubernetes.pod.name: "..\/..\/etc" is no Kubernetes name/);
});

test("containers outside Kubernetes and pause containers are left out", async (t) => {
  const docker = await dockerRoot(t, { "io.kubernetes.docker.type": "podsandbox" });
  assert.deepEqual(await listDockerPodLogs(docker.root), { logs: [], unreadable: [] });
});
