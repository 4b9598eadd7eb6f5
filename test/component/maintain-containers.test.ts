import assert from "node:assert/strict";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import test, { after, before, suite } from "node:test";
import { tarFile, writeTar } from "#base/tar/write-tar.ts";
import type { ContainerConfig } from "#core/containers/container-config.ts";
import type { Event } from "#core/events/event.ts";
import { containerStats } from "#engine/container-stats.ts";
import { readArchive, writeArchive } from "#engine/copy-archive.ts";
import { createNetwork } from "#engine/create-network.ts";
import { diskUsage } from "#engine/disk-usage.ts";
import { createExec, startExec } from "#engine/exec.ts";
import { listImages } from "#engine/list-images.ts";
import { pruneContainers } from "#engine/prune-containers.ts";
import { pruneImages } from "#engine/prune-images.ts";
import { pruneNetworks } from "#engine/prune-networks.ts";
import { pruneVolumes } from "#engine/prune-volumes.ts";
import { pullImage } from "#engine/pull-image.ts";
import { removeContainer } from "#engine/remove-container.ts";
import { renameContainer } from "#engine/rename-container.ts";
import { startContainer } from "#engine/start-container.ts";
import { tagImage } from "#engine/tag-image.ts";
import { updateContainer } from "#engine/update-container.ts";
import { waitContainer } from "#engine/wait-container.ts";
import { fails } from "#test/support/fails.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { eventually } from "#test/support/eventually.ts";
import { openTestDaemon, type TestDaemon } from "./daemon-fixture.ts";

const isRoot = process.getuid?.() === 0;
const mebibyte = 1024 * 1024;

suite("containers are looked after", { skip: isRoot ? false : "needs root" }, () => {
  let daemon: TestDaemon;
  before(async () => {
    daemon = await openTestDaemon();
  });
  after(async () => await daemon[Symbol.asyncDispose]());

  const up = async (args: readonly string[], config: Partial<ContainerConfig> = {}, name?: string) => {
    const { id } = await daemon.create(args, config, name);
    return await startContainer(daemon.call, daemon.engine, id);
  };
  const remove = async (...ids: string[]) => {
    for (const container of ids) {
      await removeContainer(daemon.call, daemon.engine, { container, force: true, removeVolumes: true });
    }
  };
  /** Output of a command in a running container. */
  const exec = async (container: string, args: readonly string[], user = "") => {
    const attach = { stdin: false, stdout: true, stderr: true };
    const request = { container, args, user, env: [], workdir: "", tty: false, privileged: false, attach };
    const { id } = await createExec(daemon.call, daemon.engine, request);
    const { streams } = await startExec(daemon.call, daemon.engine, { execId: id, detach: false });
    const text = await textOf(streams?.stdout ?? Readable.from([]));
    await streams?.[Symbol.asyncDispose]();
    return text.trim();
  };
  /** Events of the time that `work` takes. */
  const eventsOf = async (work: () => Promise<unknown>) => {
    const ending = new AbortController();
    const seen: Event[] = [];
    const events = daemon.engine.events.subscribe(ending.signal);
    const watching = (async () => {
      for await (const event of events) seen.push(event);
    })();
    await work();
    await new Promise((resolve) => setTimeout(resolve, 20));
    ending.abort();
    await watching;
    return seen;
  };

  test("update changes limits at once and for later, and refuses what does not go together", async () => {
    const { call, engine } = daemon;
    const { id } = await up(["sleep", "1000"], {
      resources: { memoryBytes: 64 * mebibyte, memorySwapBytes: 64 * mebibyte },
    });
    await fails(
      "conflict",
      updateContainer(call, engine, { container: id, resources: { memoryBytes: 128 * mebibyte } }),
      /memoryswap at the same time/,
    );
    const resources = {
      memoryBytes: 128 * mebibyte,
      memorySwapBytes: 128 * mebibyte,
      pidsLimit: 33,
      cpuQuotaUs: 50_000,
    };
    const events = await eventsOf(async () => await updateContainer(call, engine, { container: id, resources }));
    assert.deepEqual(
      events.map(({ action }) => action),
      ["update"],
    );
    const stats = await containerStats(call, engine, id);
    assert.deepEqual([stats.memory.limitBytes, stats.pids.limit], [128 * mebibyte, 33]);
    await fails(
      "conflict",
      updateContainer(call, engine, { container: id, resources: { nanoCpus: 1_000_000_000 } }),
      /Nano CPUs cannot be updated as CPU Quota has already been set/,
    );
    const restart = { name: "always", maxRetries: 0 } as const;
    await updateContainer(call, engine, { container: id, restart });
    const { config } = await engine.containers.resolve(call, id);
    assert.deepEqual([config.resources, config.restart], [resources, restart]);
    await remove(id);
  });

  test("rename: the new name is found on its networks, the old one is free", async () => {
    const { call, engine } = daemon;
    const request = {
      name: "crew",
      driver: "",
      subnets: [],
      internal: false,
      ipv6: false,
      attachable: false,
      labels: {},
      options: {},
    };
    await createNetwork(call, engine, request);
    const networks = [{ network: "crew", aliases: [] }];
    const one = await up(["sleep", "1000"], { networks }, "before");
    const two = await up(["sleep", "1000"], { networks }, "asker");
    const events = await eventsOf(async () => await renameContainer(call, engine, "before", "after"));
    assert.deepEqual(
      events.map(({ action, attributes }) => [action, attributes["name"], attributes["oldName"]]),
      [["rename", "after", "/before"]],
    );
    const address = one.attachments[0]?.ipv4?.address ?? "";
    assert.match(await exec(two.id, ["nslookup", "after"]), new RegExp(address));
    assert.doesNotMatch(await exec(two.id, ["nslookup", "before"]), new RegExp(address));
    const next = await daemon.create(["true"], {}, "before");
    await remove(one.id, two.id, next.id);
    assert.deepEqual(
      (await pruneNetworks(call, engine)).map(({ name }) => name),
      ["crew"],
    );
  });

  test("stats tell cpu, memory, pids and network of a running container only", async () => {
    const { call, engine } = daemon;
    const networks = [{ network: "bridge", aliases: [] }];
    const { id } = await up(["sh", "-c", "dd if=/dev/zero of=/dev/null bs=1M count=2000; sleep 1000"], {
      networks,
      resources: { memoryBytes: 64 * mebibyte, pidsLimit: 20 },
    });
    await eventually("some cpu used", async () => (await containerStats(call, engine, id)).cpu.usageNs > 10_000_000n);
    const { memory, pids, networks: read } = await containerStats(call, engine, id);
    assert.deepEqual([memory.limitBytes, pids.limit, Object.keys(read)], [64 * mebibyte, 20, ["eth0"]]);
    assert.ok(memory.usageBytes > 0 && memory.workingSetBytes <= memory.usageBytes);
    assert.ok(pids.current >= 1 && pids.current <= 2);
    const stopped = await daemon.create(["true"]);
    await fails("conflict", containerStats(call, engine, stopped.id), /is not running/);
    await remove(id, stopped.id);
  });

  test("a process killed for its memory: the record says so, and an event", async () => {
    const { call, engine } = daemon;
    const resources = { memoryBytes: 8 * mebibyte, memorySwapBytes: 8 * mebibyte };
    const { id } = await daemon.create(["sh", "-c", "exec tail /dev/zero"], { resources });
    const events = await eventsOf(async () => {
      const { exited } = await waitContainer(call, engine, id, "next-exit");
      await startContainer(call, engine, id);
      assert.equal((await exited).exitCode, 137);
    });
    const { status } = await engine.containers.resolve(call, id);
    assert.deepEqual([status.oomKilled, status.exitCode], [true, 137]);
    assert.deepEqual(
      events.map(({ action }) => action).filter((action) => action === "oom" || action === "die"),
      ["oom", "die"],
    );
    await remove(id);
  });

  test("prune takes what nobody uses, and says how much it was", async () => {
    const { call, engine } = daemon;
    const running = await up(["sleep", "1000"]);
    const fresh = await daemon.create(["true"]);
    const mounts = [
      { t: "volume", name: "kept", destination: "/d", readOnly: false, noCopy: true, anonymous: false },
      { t: "volume", name: "", destination: "/e", readOnly: false, noCopy: true, anonymous: true },
    ] as const;
    const wrote = await up(["sh", "-c", "dd if=/dev/zero of=/big bs=1M count=3; echo v > /e/f"], { mounts });
    await eventually("ended", async () => (await engine.containers.get(call, wrote.id)).status.state === "exited");
    const pruned = await pruneContainers(call, engine, { labels: [], withoutLabels: [] });
    assert.deepEqual([...pruned.deleted].sort(), [fresh.id, wrote.id].sort());
    assert.ok(pruned.reclaimedBytes >= 3 * mebibyte, `${pruned.reclaimedBytes}`);
    const volumes = await pruneVolumes(call, engine, { all: false });
    assert.equal(volumes.removed.length, 1);
    assert.ok(volumes.reclaimedBytes > 0);
    assert.deepEqual((await pruneVolumes(call, engine, { all: true })).removed, ["kept"]);
    await tagImage(call, engine, { source: daemon.image, target: "spare:1" });
    assert.deepEqual((await pruneImages(call, engine, { all: true })).deleted, []);
    await remove(running.id);
    const { untagged, deleted } = await pruneImages(call, engine, { all: true });
    assert.ok(untagged.some((name) => name.includes("spare")) && deleted.length > 0);
    assert.deepEqual(await listImages(call, engine), []);
    await pullImage(call, engine, { reference: daemon.image });
  });

  test("disk usage counts layers once, what containers wrote, and volumes with their users", async () => {
    const { call, engine } = daemon;
    const mount = {
      t: "volume",
      name: "used",
      destination: "/d",
      readOnly: false,
      noCopy: true,
      anonymous: false,
    } as const;
    const { id } = await up(
      ["sh", "-c", "dd if=/dev/zero of=/big bs=1M count=2; dd if=/dev/zero of=/d/f bs=1M count=1; sleep 1000"],
      {
        mounts: [mount],
      },
    );
    const before = await diskUsage(call, engine);
    await eventually("written", async () => {
      const { containers, volumes } = await diskUsage(call, engine);
      const volume = volumes.find(({ volume: { name } }) => name === "used");
      const writable = containers.find(({ container }) => container.id === id)?.writable.sizeBytes ?? 0;
      return writable >= 2 * mebibyte && (volume?.sizeBytes ?? 0) >= mebibyte && volume?.useCount === 1;
    });
    assert.ok(before.contentBytes > 0 && before.layers.sizeBytes > 0);
    const other = await daemon.create(["true"]);
    assert.deepEqual((await diskUsage(call, engine)).layers, before.layers);
    await remove(id, other.id);
    await pruneVolumes(call, engine, { all: true });
  });

  test("exec knows users of files that are mounted over the image's", async () => {
    await using directory = await temporaryDirectory("passwd");
    const [passwd, group] = ["passwd", "group"].map((name) => join(directory.path, name)) as [string, string];
    await writeFile(passwd, "root:x:0:0:root:/root:/bin/sh\nguest:x:4242:4243::/:/bin/sh\n");
    await writeFile(group, "root:x:0:\nguests:x:4243:\nextra:x:4244:guest\n");
    const mounts = [bind(passwd, "/etc/passwd"), bind(group, "/etc/group")];
    const { id } = await up(["sleep", "1000"], { mounts });
    assert.equal(await exec(id, ["id"], "guest"), "uid=4242(guest) gid=4243(guests) groups=4243(guests),4244(extra)");
    await assert.rejects(exec(id, ["id"], "sailor"), /sailor/);
    await remove(id);
    const plain = await up(["sleep", "1000"]);
    assert.equal(await exec(plain.id, ["id", "-u"], "sailor"), "1000");
    await remove(plain.id);
  });

  test("cp into a stopped container reaches the host's files that are bound into it", async () => {
    const { call, engine } = daemon;
    await using directory = await temporaryDirectory("bound");
    const [tree, file, inner] = ["tree", "file", "inner"].map((name) => join(directory.path, name)) as [
      string,
      string,
      string,
    ];
    await mkdir(join(tree, "sub"), { recursive: true });
    await mkdir(inner);
    await writeFile(file, "of the host\n");
    const mounts = [
      bind(inner, "/data/sub"),
      bind(tree, "/data"),
      bind(file, "/etc/conf"),
      { ...bind(tree, "/ro"), readOnly: true },
    ];
    const { id } = await daemon.create(["true"], { mounts });
    const body = Buffer.from("copied\n");
    const archive = () => Readable.from(writeTar([{ entry: tarFile("new", body.length), body }]));
    const write = async (path: string) =>
      await writeArchive(call, engine, {
        container: id,
        path,
        archive: archive(),
        keepTypes: false,
        keepOwners: false,
      });
    await write("/data");
    await write("/data/sub");
    assert.equal(await readFile(join(tree, "new"), "utf8"), "copied\n");
    assert.equal(await readFile(join(inner, "new"), "utf8"), "copied\n");
    await fails("permissionDenied", write("/ro"), /marked read-only/);
    const { archive: read } = await readArchive(call, engine, { container: id, path: "/etc/conf" });
    assert.match(await textOf(read), /of the host/);
    // What is bound stays when it is taken away again.
    await eventually(
      "released",
      async () =>
        (await engine.mounter.list(engine.runtime.bundlePath({ namespace: call.namespace, containerId: id })))
          .length === 0,
    );
    assert.equal(await readFile(file, "utf8"), "of the host\n");
    await rm(join(tree, "new"));
    await remove(id);
  });
});

function bind(source: string, destination: string) {
  return {
    t: "bind",
    source,
    destination,
    readOnly: false,
    recursiveReadOnly: false,
    nonRecursive: false,
    propagation: "rprivate",
    createSource: false,
  } as const;
}

async function textOf(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}
