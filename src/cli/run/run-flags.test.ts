import assert from "node:assert/strict";
import { resolve } from "node:path";
import test from "node:test";
import { parseFlagTable } from "../flags.ts";
import { parseArguments } from "../parse-arguments.ts";
import { readContainerRequest } from "./container-config.ts";
import { readEnvironment } from "./environment.ts";
import { parseMount, parseTmpfs, parseVolumeFlag } from "./mounts.ts";
import { parseDurationNs } from "#base/go-duration.ts";
import * as values from "./parse-values.ts";
import { parsePorts, parsePublish } from "./ports.ts";
import { containerFlags } from "./run-flags.ts";
import { startExitCode } from "./start-exit-code.ts";

/** A table of inputs, each with its value or the error it is refused with. */
function table<T>(name: string, parse: (text: string) => T, rows: readonly (readonly [string, T | RegExp])[]): void {
  for (const [text, expected] of rows) {
    test(`${name} ${text}`, () => {
      if (expected instanceof RegExp) assert.throws(() => parse(text), expected);
      else assert.deepEqual(parse(text), expected);
    });
  }
}

table<number>("size", values.parseSize, [
  ["0", 0],
  ["1024", 1024],
  ["512m", 512 * 1024 ** 2],
  ["1.5g", 1.5 * 1024 ** 3],
  ["64KB", 65536],
  ["2GiB", 2 * 1024 ** 3],
  ["-1", /not a size/],
  ["x", /not a size/],
]);

table<number>("duration", parseDurationNs, [
  ["0", 0],
  ["30s", 30e9],
  ["1m30s", 90e9],
  ["500ms", 5e8],
  ["1.5h", 5400e9],
  ["30", /not a duration/],
  ["1x", /not a duration/],
]);

table<number>("cpus", values.parseCpus, [
  ["1.5", 1_500_000_000],
  [".25", 250_000_000],
  ["two", /not a number of CPUs/],
]);

table<unknown>("ulimit", values.parseUlimit, [
  ["nofile=1024", { Name: "nofile", Soft: 1024, Hard: 1024 }],
  ["nofile=1024:2048", { Name: "nofile", Soft: 1024, Hard: 2048 }],
  ["core=-1", { Name: "core", Soft: -1, Hard: -1 }],
  ["nofile=2:1", /above the hard limit/],
  ["nofile", /not name=soft/],
]);

table<unknown>("device", values.parseDevice, [
  ["/dev/a", { PathOnHost: "/dev/a", PathInContainer: "/dev/a", CgroupPermissions: "rwm" }],
  ["/dev/a:r", { PathOnHost: "/dev/a", PathInContainer: "/dev/a", CgroupPermissions: "r" }],
  ["/dev/a:/dev/b:rw", { PathOnHost: "/dev/a", PathInContainer: "/dev/b", CgroupPermissions: "rw" }],
  ["/dev/a:/dev/b:/dev/c", /not path/],
]);

table<unknown>("restart", values.parseRestartPolicy, [
  ["always", { Name: "always", MaximumRetryCount: 0 }],
  ["on-failure:3", { Name: "on-failure", MaximumRetryCount: 3 }],
  ["always:3", /only on-failure/],
  ["sometimes", /not no, always/],
]);

const binding = (container: string, HostPort: string, HostIp = "") => ({ container, binding: { HostIp, HostPort } });

table<unknown>("publish", parsePublish, [
  ["80", [binding("80/tcp", "")]],
  ["8080:80", [binding("80/tcp", "8080")]],
  ["8080:80/udp", [binding("80/udp", "8080")]],
  ["127.0.0.1:8080:80", [binding("80/tcp", "8080", "127.0.0.1")]],
  ["127.0.0.1::80", [binding("80/tcp", "", "127.0.0.1")]],
  ["[::1]:8080:80", [binding("80/tcp", "8080", "::1")]],
  ["0:80", [binding("80/tcp", "0")]],
  ["8000-8001:80-81", [binding("80/tcp", "8000"), binding("81/tcp", "8001")]],
  ["8000-8010:80", [binding("80/tcp", "8000-8010")]],
  ["80-81", [binding("80/tcp", ""), binding("81/tcp", "")]],
  ["8000-8001:80-82", /ranges differ/],
  ["99999:80", /99999 is no port/],
  ["80:0", /0 is no port/],
  ["80:", /not \[ip:\]/],
  ["host:80:80", /no IP address/],
  ["80/icmp", /protocol icmp/],
]);

test("expose and publish together", () => {
  assert.deepEqual(parsePorts(["8080:80"], ["90-91/udp"]), {
    bindings: { "80/tcp": [{ HostIp: "", HostPort: "8080" }] },
    exposed: { "80/tcp": {}, "90/udp": {}, "91/udp": {} },
  });
});

table<unknown>("volume", parseVolumeFlag, [
  ["/data", { anonymous: "/data" }],
  ["data:/srv", { bind: "data:/srv" }],
  ["/a:/b:ro", { bind: "/a:/b:ro" }],
  ["./a:/b", { bind: `${resolve("a")}:/b` }],
  ["data", /must be absolute/],
  ["data:srv", /must be absolute/],
  [":/b", /not \[source:\]target/],
]);

table<unknown>("mount", parseMount, [
  ["type=bind,source=/a,target=/b,readonly", { Type: "bind", Source: "/a", Target: "/b", ReadOnly: true }],
  ["src=v,dst=/b,volume-nocopy", { Type: "volume", Source: "v", Target: "/b", VolumeOptions: { NoCopy: true } }],
  [
    'type=volume,src=v,dst=/b,"volume-opt=o=a,b"',
    { Type: "volume", Source: "v", Target: "/b", VolumeOptions: { DriverConfig: { Options: { o: "a,b" } } } },
  ],
  [
    "type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=1770",
    { Type: "tmpfs", Target: "/t", TmpfsOptions: { SizeBytes: 1048576, Mode: 0o1770 } },
  ],
  ["type=bind,dst=/b", /needs a source/],
  ["type=volume", /target is required/],
  ["type=bind,from=/a", /unexpected key 'from'/],
  ["dst=/b,ro=maybe", /not true or false/],
]);

table<unknown>("tmpfs", parseTmpfs, [
  ["/run", ["/run", ""]],
  ["/run:size=64m,mode=700", ["/run", "size=64m,mode=700"]],
  ["run", /must be absolute/],
]);

test("variables come from the environment when they have no value", () => {
  assert.deepEqual(readEnvironment([], ["A=1", "B", "C", "D="], { B: "from here" }), ["A=1", "B=from here", "D="]);
});

function request(...words: string[]) {
  const specs = parseFlagTable(containerFlags);
  const { flags, rest } = parseArguments(words, specs, { interspersed: false, helpCommand: "help" });
  const [image = "", ...command] = rest;
  return readContainerRequest(flags, image, command);
}

test("a plain run asks for nothing but itself", () => {
  assert.deepEqual(request("alpine", "true").body, {
    Image: "alpine",
    Cmd: ["true"],
    Env: [],
    Labels: {},
    Tty: false,
    OpenStdin: false,
    AttachStdin: false,
    StdinOnce: false,
    AttachStdout: true,
    AttachStderr: true,
    HostConfig: { NetworkMode: "default" },
    NetworkingConfig: { EndpointsConfig: {} },
  });
});

test("networks: the plain flags belong to the first", () => {
  const { networks, body } = request("--network", "name=a,alias=x", "--network", "b", "--ip", "10.0.0.2", "alpine");
  assert.deepEqual(
    [...networks.endpoints],
    [
      ["a", { Aliases: ["x"], IPAMConfig: { IPv4Address: "10.0.0.2" } }],
      ["b", {}],
    ],
  );
  assert.equal((body["HostConfig"] as { NetworkMode: string }).NetworkMode, "a");
});

const conflicts: readonly (readonly [readonly string[], RegExp])[] = [
  [["--gpus", "all", "x"], /--gpus: GPU devices are not supported/],
  [["--rm", "--restart", "always", "x"], /both --restart and --rm/],
  [["--network", "host", "--network", "a", "x"], /cannot attach both host/],
  [["--memory", "lots", "x"], /invalid argument "lots" for --memory/],
  [["-a", "stdoops", "x"], /valid streams are/],
  [["--security-opt", "seccomp=/nonexistent", "x"], /not a readable JSON file/],
];

for (const [words, message] of conflicts) {
  test(`run ${words.join(" ")} is refused with 125`, () => {
    assert.throws(() => request(...words), { message, exitCode: 125 });
  });
}

test("exit codes of a failed start", () => {
  const codes = [
    'exec: "x": executable file not found in $PATH',
    "stat /x: no such file or directory",
    'exec "/etc": permission denied',
    "port is already allocated",
  ].map(startExitCode);
  assert.deepEqual(codes, [127, 127, 126, 125]);
});
