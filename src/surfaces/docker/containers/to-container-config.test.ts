import assert from "node:assert/strict";
import test from "node:test";
import type { JsonObject } from "#base/json.ts";
import { JsonReader } from "#base/json-reader.ts";
import type { ImageDefaults } from "#core/images/image-config.ts";
import { defaultContainerConfig } from "#engine/default-container-config.ts";
import { fails } from "#test/support/fails.ts";
import { toContainerConfig } from "./to-container-config.ts";

const image: ImageDefaults = {
  user: "www",
  env: ["A=1", "PATH=/bin"],
  entrypoint: ["/entry"],
  cmd: ["serve"],
  workingDir: "/srv",
  labels: { from: "image" },
  exposedPorts: ["80"],
  volumes: ["/data"],
  shell: [],
  onBuild: [],
  argsEscaped: false,
};

function convert(body: JsonObject, api = 50) {
  return toContainerConfig(new JsonReader(body, "invalid JSON"), {
    api,
    image,
    containerIds: new Map([["web", "f".repeat(64)]]),
    volumesFrom: new Map(),
  });
}

test("an empty request is the image with Docker's defaults", () => {
  const { config, labels, record, warnings } = convert({ Image: "x" });
  assert.deepEqual(config, {
    ...defaultContainerConfig,
    args: ["/entry", "serve"],
    env: ["PATH=/bin", "A=1"],
    workdir: "/srv",
    user: "www",
    networks: [{ network: "bridge", aliases: [] }],
    mounts: [{ t: "volume", name: "", destination: "/data", readOnly: false, noCopy: false, anonymous: true }],
  });
  assert.deepEqual(labels, { from: "image" });
  assert.deepEqual(record.hostConfig, { NetworkMode: "bridge" });
  assert.deepEqual(record.config["ExposedPorts"], { "80/tcp": {} });
  assert.deepEqual(warnings, []);
});

test("what the request says goes before the image", () => {
  const { config, labels, record } = convert({
    Image: "x",
    Cmd: "one line",
    Entrypoint: [],
    Env: ["B=2", "A"],
    User: "0:0",
    Labels: { mine: "1" },
    Hostname: "h",
    Tty: true,
    OpenStdin: true,
    StdinOnce: true,
    StopSignal: "SIGINT",
    StopTimeout: 3,
    Healthcheck: { Test: ["CMD", "true"], Interval: 2_000_000_000, Retries: 2 },
    HostConfig: {
      Memory: 64 * 1024 * 1024,
      NanoCpus: 1_500_000_000,
      PidsLimit: -1,
      CapAdd: ["net_admin"],
      CapDrop: ["ALL"],
      SecurityOpt: ["no-new-privileges", "seccomp=unconfined"],
      RestartPolicy: { Name: "on-failure", MaximumRetryCount: 2 },
      LogConfig: { Type: "json-file", Config: { "max-size": "10m", "max-file": "3" } },
      PidMode: "host",
      IpcMode: "container:web",
      Ulimits: [{ Name: "nofile", Soft: 1, Hard: 2 }],
      Devices: [{ PathOnHost: "/dev/fuse" }],
      Init: true,
      MaskedPaths: [],
      Annotations: { a: "b" },
      Links: null,
      Unknown: 1,
    },
  });
  assert.deepEqual(
    {
      args: config.args,
      env: config.env,
      user: config.user,
      labels,
      stdin: config.stdin,
      stopTimeoutMs: config.stopTimeoutMs,
      health: config.health,
      resources: config.resources,
      capabilities: config.capabilities,
      seccomp: config.seccomp,
      noNewPrivileges: config.noNewPrivileges,
      restart: config.restart,
      log: config.log,
      pid: config.linuxNamespaces.pid,
      ipc: config.linuxNamespaces.ipc,
      rlimits: config.rlimits,
      devices: config.devices,
      maskedPaths: config.maskedPaths,
      kept: [record.hostConfig["Annotations"], record.hostConfig["Unknown"]],
    },
    {
      args: ["one line"],
      env: ["PATH=/bin", "B=2"],
      user: "0:0",
      labels: { from: "image", mine: "1" },
      stdin: "once",
      stopTimeoutMs: 3000,
      health: {
        test: ["CMD", "true"],
        intervalMs: 2000,
        timeoutMs: 30_000,
        startPeriodMs: 0,
        startIntervalMs: 5000,
        retries: 2,
      },
      resources: { memoryBytes: 64 * 1024 * 1024, nanoCpus: 1_500_000_000 },
      capabilities: { add: ["CAP_NET_ADMIN"], drop: ["ALL"] },
      seccomp: { t: "unconfined" },
      noNewPrivileges: true,
      restart: { name: "on-failure", maxRetries: 2 },
      log: { maxBytes: 10 * 1024 * 1024, maxFiles: 3 },
      pid: { t: "host" },
      ipc: { t: "container", containerId: "f".repeat(64) },
      rlimits: [{ name: "nofile", soft: 1, hard: 2 }],
      devices: [{ source: "/dev/fuse", destination: "/dev/fuse", access: "rwm" }],
      maskedPaths: [],
      kept: [{ a: "b" }, undefined],
    },
  );
});

test("networks and ports", () => {
  const host = {
    NetworkMode: "front",
    PublishAllPorts: true,
    PortBindings: {
      "53/udp": [{ HostIp: "127.0.0.1", HostPort: "5353" }],
      "443": [{ HostPort: "" }, { HostIp: "0.0.0.0" }],
    },
  };
  const endpoints = {
    back: { Aliases: ["db"] },
    front: { IPAMConfig: { IPv4Address: "10.1.0.9" }, MacAddress: "02:00:00:00:00:01" },
  };
  const { config } = convert({ HostConfig: host, NetworkingConfig: { EndpointsConfig: endpoints } });
  assert.deepEqual(config.networks, [
    { network: "front", aliases: [], ipv4Address: "10.1.0.9", macAddress: "02:00:00:00:00:01" },
    { network: "back", aliases: ["db"] },
  ]);
  assert.deepEqual(config.ports, [
    { containerPort: 443, protocol: "tcp", hostIp: "", hostPort: 0 },
    { containerPort: 443, protocol: "tcp", hostIp: "", hostPort: 0 },
    { containerPort: 53, protocol: "udp", hostIp: "127.0.0.1", hostPort: 5353 },
    { containerPort: 80, protocol: "tcp", hostIp: "", hostPort: 0 },
  ]);
  assert.deepEqual(convert({ HostConfig: { NetworkMode: "none" } }).config.networks, []);
  const onHost = convert({ HostConfig: { NetworkMode: "host", PortBindings: { "80/tcp": [] } } });
  assert.deepEqual([onHost.config.networks, onHost.config.linuxNamespaces.network], [[], { t: "host" }]);
  assert.deepEqual(onHost.warnings, ["Published ports are discarded when using host network mode"]);
});

test("refuses what is wrong, and what would mean something that is not done", async () => {
  const cases: [JsonObject, RegExp][] = [
    [{ Env: "A=1" }, /^invalid JSON: Env: is not a list$/],
    [{ HostConfig: { Memory: "1g" } }, /^invalid JSON: HostConfig: Memory: is not a number$/],
    [{ HostConfig: { Memory: 1 } }, /^Minimum memory limit allowed is 6MB$/],
    [{ HostConfig: { Memory: 1.5 } }, /Memory: is not an integer$/],
    [{ HostConfig: { Links: ["db"] } }, /^HostConfig.Links: not supported$/],
    [{ HostConfig: { DeviceRequests: [{ Driver: "nvidia" }] } }, /^HostConfig.DeviceRequests: not supported$/],
    [{ HostConfig: { UsernsMode: "private" } }, /^HostConfig.UsernsMode: "private" is not supported$/],
    [{ HostConfig: { VolumeDriver: "nfs" } }, /^HostConfig.VolumeDriver: "nfs" is not supported$/],
    [{ HostConfig: { LogConfig: { Type: "syslog" } } }, /^logger: no log driver named 'syslog' is registered$/],
    [{ HostConfig: { SecurityOpt: ["what=ever"] } }, /^invalid --security-opt 2: "what=ever"$/],
    [{ HostConfig: { RestartPolicy: { Name: "sometimes" } } }, /^invalid restart policy: unknown policy 'sometimes'/],
    [
      { HostConfig: { AutoRemove: true, RestartPolicy: { Name: "always" } } },
      /^can't create 'AutoRemove' container with restart policy$/,
    ],
    [{ HostConfig: { PortBindings: { "99999/tcp": [] } } }, /^invalid port specification: "99999\/tcp"$/],
    [{ WorkingDir: "srv" }, /needs to be an absolute path$/],
    [{ NetworkingConfig: { EndpointsConfig: { bridge: { Aliases: ["x"] } } } }, /network-scoped alias/],
  ];
  for (const [body, message] of cases) {
    await fails("invalidArgument", (async () => convert({ Image: "x", ...body }))(), message);
  }
});
