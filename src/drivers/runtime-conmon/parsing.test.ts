import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import test from "node:test";
import { EngineError } from "#base/errors.ts";
import { parseSignal } from "#base/parse-signal.ts";
import { findCgroupPaths, parseCgroupPaths } from "./cgroup-paths.ts";
import { parseIoStat, parsePsi, parseV1Blkio } from "./cgroup-stats.ts";
import { formatSpec } from "#core/tasks/format-spec.ts";
import { parseNetDev } from "#core/tasks/parse-net-dev.ts";
import { parseStat } from "./process-identity.ts";
import { toRuntimeError } from "#core/tasks/to-runtime-error.ts";
import { parseTaskRecord } from "./task-record.ts";

const start = "unable to start container process: exec:";
const runc = (text: string) =>
  `time="2026-11-21T12:00:00Z" level=warning msg=x\ntime="2026-11-21T12:00:00Z" level=error msg=${JSON.stringify(text)}\n`;

const runtimeTexts: [stderr: string, command: string | undefined, kind: string, message: string][] = [
  [
    "executable file `nope` not found in $PATH: No such file or directory",
    undefined,
    "notFound",
    `${start} "nope": executable file not found in $PATH`,
  ],
  [
    "executable file `/nope` not found in $PATH: No such file or directory",
    "/nope",
    "notFound",
    `${start} "/nope": stat /nope: no such file or directory`,
  ],
  ["open executable: Operation not permitted", "/dir", "permissionDenied", `${start} "/dir": permission denied`],
  [
    runc(`runc create failed: ${start} "nope": executable file not found in $PATH`),
    undefined,
    "notFound",
    `${start} "nope": executable file not found in $PATH`,
  ],
  [
    runc(`exec failed: ${start} "/nope": stat /nope: no such file or directory`),
    undefined,
    "notFound",
    `${start} "/nope": stat /nope: no such file or directory`,
  ],
  [
    runc(`runc create failed: ${start} "/x": permission denied`),
    undefined,
    "permissionDenied",
    `${start} "/x": permission denied`,
  ],
  [runc("container does not exist"), undefined, "notFound", "doing: container does not exist"],
  [
    "writing file `pids.max`: Permission denied",
    undefined,
    "internal",
    "doing: writing file `pids.max`: Permission denied",
  ],
  [
    "failed to write `x`: write /sys/fs/cgroup/c/cpuset.cpus: argument list too long",
    undefined,
    "invalidArgument",
    "doing: failed to write `x`: write /sys/fs/cgroup/c/cpuset.cpus: argument list too long",
  ],
  ["", undefined, "internal", "doing: no reason given"],
];

for (const [stderr, command, kind, message] of runtimeTexts)
  test(`a runtime's text becomes ${kind}: ${message}`, () => {
    const error = toRuntimeError(stderr, "doing", command);
    assert.ok(error instanceof EngineError);
    assert.deepEqual([error.kind, error.message], [kind, message]);
  });

test("cgroup paths of v1, hybrid and v2", () => {
  assert.deepEqual(parseCgroupPaths("0::/a.slice/b.scope\n"), { version: 2, path: "/sys/fs/cgroup/a.slice/b.scope" });
  assert.deepEqual(parseCgroupPaths("5:cpu,cpuacct:/a:b\n9:name=systemd:/s\n0::/u\n"), {
    version: 1,
    controllers: new Map([
      ["cpu", "/sys/fs/cgroup/cpu/a:b"],
      ["cpuacct", "/sys/fs/cgroup/cpuacct/a:b"],
      ["systemd", "/sys/fs/cgroup/systemd/s"],
      ["unified", "/sys/fs/cgroup/unified/u"],
    ]),
  });
});

test("a process in the root cgroup is nobody's container", async () => {
  const own = await readFile("/proc/self/cgroup", "utf8");
  const inRoot = /^\d+:(pids|):\/$/m.test(own);
  if (inRoot) assert.equal(await findCgroupPaths(process.pid), undefined);
  const isKernelThread = (await readFile("/proc/2/comm", "utf8").catch(() => "")) === "kthreadd\n";
  if (isKernelThread) assert.equal(await findCgroupPaths(2), undefined);
});

test("block devices, pressure and network counters", () => {
  assert.deepEqual(parseIoStat("8:16 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n"), [
    { major: 8, minor: 16, op: "read", bytes: 1, operations: 3 },
    { major: 8, minor: 16, op: "write", bytes: 2, operations: 4 },
  ]);
  assert.deepEqual(parseV1Blkio("8:0 Read 10\n8:0 Write 20\n8:0 Sync 30\nTotal 30\n", "8:0 Read 1\n8:0 Write 2\n"), [
    { major: 8, minor: 0, op: "read", bytes: 10, operations: 1 },
    { major: 8, minor: 0, op: "write", bytes: 20, operations: 2 },
  ]);
  const psi = "some avg10=0.00 avg60=0.00 avg300=0.00 total=7\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=3\n";
  assert.deepEqual(parsePsi(psi), { someTotalUs: 7, fullTotalUs: 3 });
  const dev = "Inter-|\n face |\n    lo: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n  eth0:100 2 3 4 0 0 0 0 200 5 6 7 0 0 0 0\n";
  assert.deepEqual(parseNetDev(dev), {
    eth0: {
      rxBytes: 100,
      rxPackets: 2,
      rxErrors: 3,
      rxDropped: 4,
      txBytes: 200,
      txPackets: 5,
      txErrors: 6,
      txDropped: 7,
    },
  });
});

test("a process's line, whatever its name", () => {
  const rest = Array.from({ length: 30 }, (_, at) => String(at + 5)).join(" ");
  assert.deepEqual(parseStat(`42 (a) R 1 (b) S 7 ${rest}`), { pid: 42, state: "S", parentPid: 7, startTicks: "22" });
  assert.equal(parseStat(""), undefined);
});

test("signals by name, number and real-time offset", () => {
  const numbers = ["SIGTERM", "term", "9", "SIGRTMIN+3", "RTMAX-1", "64"].map(parseSignal);
  assert.deepEqual(numbers, [15, 15, 9, 37, 63, 64]);
  for (const bad of ["", "0", "65", "SIGX", "-1"]) assert.throws(() => parseSignal(bad), /invalid signal/);
});

test("unlimited is written as a 64-bit number", () => {
  const process = {
    user: { uid: 0, gid: 0 },
    args: [],
    env: ["18446744073709552000"],
    cwd: "/",
    rlimits: [{ type: "RLIMIT_CORE", soft: 0, hard: 2 ** 64 }],
  };
  assert.match(formatSpec(process), /"env":\["18446744073709552000"\].*"hard":18446744073709551615\}/);
});

test("a record that was not written whole is none", () => {
  for (const text of ["", "{", "null", '{"version":2,"binary":{}}']) assert.equal(parseTaskRecord(text), undefined);
});
