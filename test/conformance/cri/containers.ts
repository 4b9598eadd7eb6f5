import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { Code } from "@connectrpc/connect";
import { ContainerState, Signal } from "#gen/runtime/v1/containers_pb.ts";
import { refused, security, type Case } from "./kubelet.ts";

const { CONTAINER_CREATED, CONTAINER_RUNNING, CONTAINER_EXITED } = ContainerState;
const untilTerm = (code: number) => `trap 'exit ${code}' TERM; : >/ready; while :; do sleep 0.05; done`;
/** A signal that comes before the trap is set is lost. */
const untilReady = "until [ -e /ready ]; do sleep 0.05; done";

export const containers: readonly Case[] = [
  {
    title: "goes from created to running to exited, with times in order",
    run: async (kubelet) => {
      const id = await kubelet.create(await kubelet.pod(), { command: ["sh", "-c", untilTerm(0)] });
      assert.equal((await kubelet.status(id)).state, CONTAINER_CREATED);
      await kubelet.runtime.startContainer({ containerId: id });
      assert.equal((await kubelet.status(id)).state, CONTAINER_RUNNING);
      await refused(kubelet.runtime.startContainer({ containerId: id }), Code.FailedPrecondition);
      await kubelet.shell(id, untilReady);
      await kubelet.runtime.stopContainer({ containerId: id, timeout: 120n });
      const { state, createdAt, startedAt, finishedAt, exitCode, reason } = await kubelet.status(id);
      assert.deepEqual([state, exitCode, reason], [CONTAINER_EXITED, 0, "Completed"]);
      assert.ok(createdAt > 0n && createdAt <= startedAt && startedAt <= finishedAt);
      await refused(kubelet.runtime.startContainer({ containerId: id }), Code.FailedPrecondition);
      await refused(kubelet.runtime.execSync({ containerId: id, cmd: ["true"] }), Code.FailedPrecondition);
    },
  },
  {
    title: "tells its exit code, or that memory ran out",
    run: async (kubelet) => {
      const failed = await kubelet.exited(await kubelet.run({ command: ["sh", "-c", "exit 42"] }));
      assert.deepEqual([failed.exitCode, failed.reason], [42, "Error"]);
      const greedy = await kubelet.run({
        command: ["sh", "-c", "exec tail /dev/zero"],
        linux: { ...security({}), resources: { memoryLimitInBytes: 16n << 20n } },
      });
      const { exitCode, reason } = await kubelet.exited(greedy);
      assert.deepEqual([exitCode, reason], [137, "OOMKilled"]);
    },
  },
  {
    title: "is stopped by its own signal, and killed when that does not help",
    run: async (kubelet) => {
      const pod = await kubelet.pod();
      const deaf = await kubelet.start(pod, {
        command: ["sh", "-c", "trap '' TERM; : >/ready; while :; do sleep 0.05; done"],
      });
      const own = await kubelet.start(pod, {
        command: ["sh", "-c", "trap 'exit 9' USR1; trap 'exit 8' TERM; : >/ready; while :; do sleep 0.05; done"],
        stopSignal: Signal.SIGUSR1,
      });
      for (const containerId of [deaf, own]) await kubelet.shell(containerId, untilReady);
      await Promise.all([
        kubelet.runtime.stopContainer({ containerId: deaf, timeout: 1n }),
        kubelet.runtime.stopContainer({ containerId: own, timeout: 120n }),
      ]);
      assert.deepEqual([(await kubelet.status(deaf)).exitCode, (await kubelet.status(own)).exitCode], [137, 9]);
    },
  },
  {
    title: "is removed while it runs, and removing may be repeated",
    run: async (kubelet) => {
      const containerId = await kubelet.run();
      for (const _ of [1, 2]) await kubelet.runtime.removeContainer({ containerId });
      await refused(kubelet.runtime.containerStatus({ containerId }), Code.NotFound);
      await kubelet.runtime.stopContainer({ containerId });
    },
  },
  {
    title: "has a name that is its own for as long as it is there",
    run: async (kubelet) => {
      const pod = await kubelet.pod();
      const metadata = { name: "reserved", attempt: 3 };
      const containerId = await kubelet.create(pod, { metadata });
      await refused(kubelet.create(pod, { metadata }), Code.AlreadyExists, Code.FailedPrecondition);
      await kubelet.runtime.removeContainer({ containerId });
      assert.equal((await kubelet.status(await kubelet.create(pod, { metadata }))).metadata?.attempt, 3);
    },
  },
  {
    title: "is listed by id, pod, state and labels",
    run: async (kubelet) => {
      const [podSandboxId, labels] = [await kubelet.pod(), { role: "listed" }];
      const created = await kubelet.create(podSandboxId, { labels });
      const running = await kubelet.start(podSandboxId);
      const list = async (filter: object) =>
        (await kubelet.runtime.listContainers({ filter })).containers.map(({ id }) => id).sort();
      assert.deepEqual(await list({ podSandboxId }), [created, running].sort());
      assert.deepEqual(await list({ podSandboxId, labelSelector: labels }), [created]);
      assert.deepEqual(await list({ podSandboxId, state: { state: CONTAINER_RUNNING } }), [running]);
      assert.deepEqual(await list({ id: running.slice(0, 16) }), [running]);
      const streamed: string[] = [];
      for await (const { containers } of kubelet.runtime.streamContainers({ filter: { podSandboxId } }))
        streamed.push(...containers.map(({ id }) => id));
      assert.deepEqual(streamed.sort(), [created, running].sort());
    },
  },
  {
    title: "runs its command with its arguments, environment, directory and the image's path",
    run: async (kubelet) => {
      const key = "GREETING";
      const id = await kubelet.run({
        command: ["sh", "-c", 'echo "$0|$1|$GREETING|$PWD|$PATH"; exec sleep 1000'],
        args: ["zero", "one"],
        envs: [{ key, value: Buffer.from("hello = world") }],
        workingDir: "/tmp/made",
        logPath: "commanded.log",
      });
      assert.equal(await kubelet.shell(id, "pwd; echo $GREETING"), "/tmp/made\nhello = world");
      const [line = ""] = (await readFile(`${kubelet.bed.logs}/commanded.log`, "utf8")).split("\n");
      assert.match(line, / stdout F zero\|one\|hello = world\|\/tmp\/made\|\/usr\/local\/sbin:.*:\/bin$/);
    },
  },
  {
    title: "whose command is not there fails at the start, and says why",
    run: async (kubelet) => {
      const containerId = await kubelet.create(await kubelet.pod(), { command: ["/no/such/program"] });
      await assert.rejects(kubelet.runtime.startContainer({ containerId }), /no such file|not found/);
      const { state, reason, message } = await kubelet.status(containerId);
      assert.deepEqual([state, reason], [CONTAINER_EXITED, "StartError"]);
      assert.match(message, /no such file|not found/);
    },
  },
  {
    title: "has the limits that it is given, and others while it runs",
    run: async (kubelet) => {
      const cpu = { cpuShares: 512n, cpuPeriod: 100_000n, cpuQuota: 50_000n };
      const resources = { ...cpu, memoryLimitInBytes: 64n << 20n, oomScoreAdj: 321n };
      const containerId = await kubelet.run({ linux: { ...security({}), resources } });
      assert.equal(await kubelet.shell(containerId, "cat /proc/1/oom_score_adj"), "321");
      const told = async () => (await kubelet.status(containerId)).resources?.linux;
      assert.equal((await told())?.memoryLimitInBytes, 64n << 20n);
      await kubelet.runtime.updateContainerResources({
        containerId,
        linux: { memoryLimitInBytes: 96n << 20n, cpuShares: 256n },
      });
      const { memoryLimitInBytes, cpuShares } = (await told()) ?? {};
      assert.deepEqual([memoryLimitInBytes, cpuShares], [96n << 20n, 256n]);
      const { stats } = await kubelet.runtime.containerStats({ containerId });
      const { availableBytes, workingSetBytes } = stats?.memory ?? {};
      const limit = (availableBytes?.value ?? 0n) + (workingSetBytes?.value ?? 0n);
      assert.equal(limit, 96n << 20n);
    },
  },
];
