import assert from "node:assert/strict";
import test, { after, before, suite } from "node:test";
import type { Runtime } from "#core/tasks/runtime.ts";
import { startContainer } from "#engine/start-container.ts";
import { eventually } from "#test/support/eventually.ts";
import { openTestDaemon, type TestDaemon } from "./daemon-fixture.ts";

const isRoot = process.getuid?.() === 0;

/** Which containers a runtime made, in order, and how many at a time. */
class Creates {
  order: string[] = [];
  most = 0;
  #now = 0;

  forget(): void {
    this.order = [];
    this.most = 0;
  }

  watch(runtime: Runtime): Runtime {
    const create = runtime.create.bind(runtime);
    return Object.assign(runtime, {
      create: async (...[call, spec]: Parameters<Runtime["create"]>) => {
        this.order.push(spec.containerId);
        this.most = Math.max(this.most, ++this.#now);
        try {
          return await create(call, spec);
        } finally {
          this.#now--;
        }
      },
    });
  }
}

suite("a new daemon finishes and begins in order", { skip: isRoot ? false : "needs root" }, () => {
  const creates = new Creates();
  let daemon: TestDaemon;
  before(async () => {
    daemon = await openTestDaemon({
      decorate: (noun, it) => (noun === "runtime" ? creates.watch(it as Runtime) : it) as typeof it,
    });
  });
  after(async () => await daemon[Symbol.asyncDispose]());

  const find = async (id: string) =>
    (await daemon.engine.containers.list(daemon.call)).find((container) => container.id === id);
  const anonymous = { t: "volume", name: "", destination: "/data", readOnly: false, noCopy: true } as const;

  for (const removesVolumes of [true, false]) {
    test(`a removal ${removesVolumes ? "with" : "without"} volumes that was cut short is finished as it was asked for`, async () => {
      const { id, config } = await daemon.create(["true"], { mounts: [{ ...anonymous, anonymous: true }] });
      const volume = config.mounts.flatMap((mount) => (mount.t === "volume" ? [mount.name] : []))[0] ?? "";
      assert.ok(await daemon.engine.volumes.find(daemon.call, volume));
      await daemon.engine.containers.update(daemon.call, id, (container) => ({
        ...container,
        status: { ...container.status, state: "removing", removesVolumes },
      }));
      await daemon.restart();
      assert.equal(await find(id), undefined);
      assert.equal((await daemon.engine.volumes.find(daemon.call, volume)) === undefined, removesVolumes);
    });
  }

  test("after a reboot a few start at a time, and who joins another's linux namespace after that one", async () => {
    const restart = { name: "always", maxRetries: 0 } as const;
    const ids: string[] = [];
    for (let n = 0; n < 10; n++) {
      const target = ids.at(-1);
      const joins = n % 5 === 4 && target !== undefined;
      const mode = joins ? ({ t: "container", containerId: target } as const) : ({ t: "private" } as const);
      const linuxNamespaces = {
        pid: mode,
        ipc: { t: "private" },
        uts: { t: "private" },
        cgroup: { t: "private" },
      } as const;
      const { id } = await daemon.create(["sleep", "1000"], {
        restart,
        linuxNamespaces: { ...linuxNamespaces, network: { t: "private" } },
      });
      await startContainer(daemon.call, daemon.engine, id);
      ids.push(id);
    }
    creates.forget();
    await daemon.reboot();
    const isUp = async (id: string) => (await find(id))?.status.state === "running";
    await eventually("all up", async () => (await Promise.all(ids.map(isUp))).every(Boolean));
    assert.ok(creates.most > 1 && creates.most <= 8, `${creates.most} at a time`);
    for (const joiner of [4, 9]) {
      const [own, target] = [creates.order.indexOf(ids[joiner] ?? ""), creates.order.indexOf(ids[joiner - 1] ?? "")];
      assert.ok(target < own, `${target} before ${own}`);
    }
  });
});
