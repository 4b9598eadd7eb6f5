import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { field, type CrashBed } from "./crash-bed.ts";

/**
 * Something the daemon does and may die in.
 *
 * `check` is the model: it is run on the restarted daemon and says what may be true then, does the operation again as
 * a client would, and demands the result of an undisturbed run.
 */
export type Operation = {
  /** Runs before the kill point is armed. */
  prepare(bed: CrashBed): Promise<void>;
  /** Asks for it; the daemon dies in it, so a failed request is expected. */
  run(bed: CrashBed): Promise<unknown>;
  check(bed: CrashBed): Promise<void>;
};

const name = "subject";
const sleeper = { Cmd: ["sleep", "1000"] };

async function none(): Promise<void> {}

async function create(bed: CrashBed, body: object = sleeper): Promise<unknown> {
  return await bed.call("POST", `/containers/create?name=${name}`, { Image: bed.image, ...body });
}

async function inspect(bed: CrashBed): Promise<unknown> {
  return await bed.call("GET", `/containers/${name}/json`);
}

async function state(bed: CrashBed): Promise<string> {
  return String(field(await inspect(bed), "State", "Status"));
}

async function exists(bed: CrashBed): Promise<boolean> {
  return await inspect(bed).then(
    () => true,
    (error: Error) => {
      assert.match(error.message, /404/);
      return false;
    },
  );
}

async function demandRunning(bed: CrashBed): Promise<void> {
  const container = await inspect(bed);
  assert.equal(field(container, "State", "Status"), "running");
  process.kill(Number(field(container, "State", "Pid")), 0);
  assert.equal(await bed.execute(name, ["true"]), 0);
}

async function startAgain(bed: CrashBed): Promise<void> {
  const before = await state(bed);
  assert.ok(["created", "exited", "running"].includes(before), `after the crash it is ${before}`);
  await bed.call("POST", `/containers/${name}/start`);
  await demandRunning(bed);
}

async function waitForExit(bed: CrashBed): Promise<void> {
  for (let tries = 0; (await state(bed)) === "running"; tries++) {
    assert.ok(tries < 600, "still running after a minute");
    await sleep(100);
  }
}

const pull: Operation = {
  prepare: none,
  run: (bed) => bed.pull(bed.secondImage),
  async check(bed) {
    await bed.pull(bed.secondImage);
    await bed.call("POST", `/containers/create?name=${name}`, { Image: bed.secondImage, ...sleeper });
    await startAgain(bed);
    await bed.call("DELETE", `/containers/${name}?force=1`);
    await bed.call("DELETE", `/images/${bed.secondImage}?force=1`);
  },
};

const createOperation: Operation = {
  prepare: none,
  run: (bed) => create(bed, { ...sleeper, Volumes: { "/data": {} } }),
  async check(bed) {
    if (!(await exists(bed))) await create(bed, { ...sleeper, Volumes: { "/data": {} } });
    assert.equal(await state(bed), "created");
    await startAgain(bed);
  },
};

const publish = { ExposedPorts: { "80/tcp": {} }, HostConfig: { PortBindings: { "80/tcp": [{ HostPort: "0" }] } } };

const start: Operation = {
  prepare: async (bed) => void (await create(bed, { ...sleeper, ...publish })),
  run: (bed) => bed.call("POST", `/containers/${name}/start`),
  check: startAgain,
};

/** The container ends by itself with 7, before or after the daemon dies in recording it. */
const exit: Operation = {
  prepare: async (bed) => void (await create(bed, { Cmd: ["sh", "-c", "sleep 0.4; echo last words; exit 7"] })),
  async run(bed) {
    await bed.call("POST", `/containers/${name}/start`);
    await bed.died();
  },
  async check(bed) {
    await waitForExit(bed);
    const container = await inspect(bed);
    assert.equal(field(container, "State", "ExitCode"), 7);
    const ran =
      Date.parse(String(field(container, "State", "FinishedAt"))) -
      Date.parse(String(field(container, "State", "StartedAt")));
    assert.ok(ran >= 350 && ran < 60_000, `ran ${ran} ms by the record`);
    assert.match(await bed.logs(name), /last words/);
    await bed.call("POST", `/containers/${name}/start`);
    await waitForExit(bed);
  },
};

const stop: Operation = {
  prepare: async (bed) => {
    await create(bed, { Cmd: ["sh", "-c", "trap 'exit 3' TERM; echo trapped; while :; do sleep 0.1; done"] });
    await bed.call("POST", `/containers/${name}/start`);
    while (!(await bed.logs(name)).includes("trapped")) await sleep(20);
  },
  run: (bed) => bed.call("POST", `/containers/${name}/stop?t=60`),
  async check(bed) {
    await bed.call("POST", `/containers/${name}/stop?t=60`);
    assert.equal(await state(bed), "exited");
    assert.equal(field(await inspect(bed), "State", "ExitCode"), 3);
  },
};

const remove: Operation = {
  prepare: async (bed) => {
    await create(bed, { ...sleeper, ...publish, Volumes: { "/data": {} } });
    await bed.call("POST", `/containers/${name}/start`);
  },
  run: (bed) => bed.call("DELETE", `/containers/${name}?force=1&v=1`),
  async check(bed) {
    if (await exists(bed)) await bed.call("DELETE", `/containers/${name}?force=1&v=1`);
    assert.equal(await exists(bed), false);
    await create(bed);
    await startAgain(bed);
  },
};

const collect: Operation = {
  prepare: (bed) => bed.pull(bed.secondImage),
  run: (bed) => bed.call("DELETE", `/images/${bed.secondImage}?force=1`).then(() => bed.died()),
  async check(bed) {
    await create(bed);
    await startAgain(bed);
    await bed.pull(bed.secondImage);
    await bed.call("DELETE", `/images/${bed.secondImage}?force=1`);
  },
};

const rename: Operation = {
  prepare: async (bed) => void (await create(bed)),
  run: (bed) => bed.call("POST", `/containers/${name}/rename?name=renamed`),
  async check(bed) {
    if (await exists(bed)) await bed.call("POST", `/containers/${name}/rename?name=renamed`);
    await bed.call("GET", "/containers/renamed/json");
    await create(bed);
  },
};

const execute: Operation = {
  prepare: async (bed) => {
    await create(bed);
    await bed.call("POST", `/containers/${name}/start`);
  },
  run: (bed) => bed.execute(name, ["sleep", "0.2"]),
  check: demandRunning,
};

const network: Operation = {
  prepare: none,
  run: async (bed) => {
    await bed.call("POST", "/networks/create", { Name: "crashnet" });
    await create(bed, { ...sleeper, HostConfig: { NetworkMode: "crashnet" } });
    await bed.call("POST", `/containers/${name}/start`);
    await bed.call("DELETE", `/containers/${name}?force=1`);
    await bed.call("DELETE", "/networks/crashnet");
  },
  async check(bed) {
    if (await exists(bed)) await bed.call("DELETE", `/containers/${name}?force=1`);
    const found = await bed.call("GET", `/networks?filters=${encodeURIComponent('{"name":["crashnet"]}')}`);
    if (Array.isArray(found) && found.length > 0) await bed.call("DELETE", "/networks/crashnet");
  },
};

export const operations = {
  pull,
  create: createOperation,
  start,
  exit,
  stop,
  remove,
  collect,
  rename,
  execute,
  network,
};
