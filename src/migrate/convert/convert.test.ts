import assert from "node:assert/strict";
import { basename } from "node:path";
import test from "node:test";
import { decodeConfig } from "../../daemon/config.ts";
import { playScript } from "#test/support/trace-script.ts";
import { readCommandLine } from "../host/command-line.ts";
import { readUnit } from "../host/read-unit.ts";
import { placeText, type LedgerEntry } from "../ledger/ledger.ts";
import { hostRootOf } from "#test/support/host-root.ts";
import { convertForCriDockerd } from "./convert-for-cri-dockerd.ts";
import { convert } from "./convert.ts";
import type { Conversion, ConvertedFile } from "./conversion.ts";
import type { DockerHost } from "./docker-host.ts";
import { parseContainerdVersion } from "../containerd-config/config-version.ts";
import { containerdSpec, ferrySpec, type TargetSpec } from "./target-spec.ts";

const nothing: DockerHost = { certificates: [], logins: [], kubelet: {}, images: [], cgroupVersion: 2 };

test("daemon.json becomes containerd's and ferry's configuration, and each key is accounted for", async () => {
  await playScript("convert-daemon-json.txt", openConverter);
});

/**
 * Words of the script: `target containerd 1.7`, `config TOML` (of the containerd that is there), `image NAME`, `kubelet FIELD VALUE` set up; a line that begins with `{` is
 * a whole daemon.json and is answered.
 */
function openConverter() {
  let spec: TargetSpec | undefined = containerdSpec({ major: 1, minor: 7 });
  const convertTo = (from: DockerHost) => (spec === undefined ? convertForCriDockerd(from) : convert(from, spec));
  let host = nothing;
  const play = (words: readonly string[]): string[] => {
    const [word = "", first = "", second = ""] = words;
    if (word === "target") spec = first === "cri-dockerd" ? undefined : specOf(first, second);
    else if (word === "config") {
      const text = words.slice(1).join(" ").replaceAll("\\n", "\n");
      host = { ...host, containerdConfig: { path: "/etc/containerd/config.toml", text } };
    } else if (word === "image") host = { ...host, images: [...host.images, first] };
    else if (word === "cgroup") host = { ...host, cgroupVersion: first === "1" ? 1 : 2 };
    else if (word === "kubelet") {
      const fact = { value: second, source: { t: "file", path: "/var/lib/kubelet/config.yaml" } } as const;
      host = { ...host, kubelet: { ...host.kubelet, [first]: fact } };
    } else {
      const text = words.join(" ").replaceAll("\\n", "\n");
      const conversion = convertTo({ ...host, daemonJson: { path: "/etc/docker/daemon.json", text } });
      assertFerryReads(conversion);
      return answer(conversion, text === "{}" ? undefined : convertTo(host));
    }
    return [];
  };
  return { play };
}

function specOf(target: string, version: string): TargetSpec {
  return target === "ferry" ? ferrySpec : containerdSpec(parseContainerdVersion(version));
}

/** What is the same as without any daemon.json is left out. */
function answer({ ledger, files }: Conversion, usual: Conversion | undefined): string[] {
  const known = new Set(usual?.files.flatMap(placedLines));
  const entries = new Set(usual?.ledger.map(ledgerLine));
  const told = ledger.map(ledgerLine).filter((line) => !entries.has(line));
  return told.concat(
    files.flatMap((file) => {
      const lines = placedLines(file).filter((line) => !known.has(line));
      return lines
        .map((line) => line.slice(line.indexOf(":", file.path.length) + 1))
        .map((line) => `${fileName(file)}: ${line}`);
    }),
  );
}

function ledgerLine({ outcome, key, value, source, to, note, action }: LedgerEntry): string {
  const places = to.map((place) => ` -> ${place.file.split("/").at(-1) ?? ""} ${place.key}`).join("");
  const line = placeText(source).replace("/etc/docker/daemon.json", "");
  return `${outcome} ${key} = ${value}${places} ${line} | ${note}${action === undefined ? "" : ` | do: ${action}`}`;
}

/** Each line of a file with its path and, in TOML, the table it is in: `/etc/x.toml [debug]:level = "info"`. */
function placedLines({ path, content }: ConvertedFile): string[] {
  let table = "";
  return content.split("\n").flatMap((line) => {
    if (line === "" || line.startsWith("#")) return [];
    if (!line.startsWith("[")) return [`${path}${table.replaceAll(":", "")}:${table}${line}`];
    table = `${line} `.replace('plugins."io.containerd.', "…");
    return [];
  });
}

function fileName({ path }: ConvertedFile): string {
  return path.startsWith("/etc/containerd/certs.d") ? path.split("/").slice(-2).join("/") : basename(path);
}

/** What is written for Ferry is read by it, to the last key. */
function assertFerryReads({ files }: Conversion): void {
  const config = files.find(({ path }) => path === ferrySpec.configFile);
  if (config !== undefined) assert.deepEqual(decodeConfig(config.content).warnings, []);
}

test("what systemd tells dockerd counts like daemon.json, and conflicts are told", async () => {
  await using host = await hostRootOf(`
== /lib/systemd/system/docker.service
[Service]
EnvironmentFile=-/etc/default/docker
ExecStart=/usr/bin/dockerd -H fd:// $DOCKER_OPTS --containerd=/run/containerd/containerd.sock \\
  -s overlay2 --log-opt max-size=10m --live-restore
LimitNOFILE=infinity
== /etc/default/docker
DOCKER_OPTS="--insecure-registry r.example:5000 --default-ulimit nofile=1024:4096 --add-runtime kata=/opt/kata"
HTTPS_PROXY=http://user:secret@proxy:3128
== /etc/systemd/system/docker.service.d/limits.conf
[Service]
LimitMEMLOCK=infinity
Environment="NO_PROXY=localhost,.svc"
`);
  const unit = await readUnit(host.root, "docker.service");
  assert.ok(unit !== undefined);
  const commandLine = await readCommandLine(host.root, unit);
  assert.ok(commandLine !== undefined);
  const daemonJson = { path: "/etc/docker/daemon.json", text: '{"storage-driver": "overlay2"}' };
  const { ledger } = convert({ ...nothing, daemonJson, unit, commandLine }, ferrySpec);
  const lines = ledger.map(({ outcome, key, value, source }) => `${outcome} ${key} ${value} ${placeText(source)}`);
  assert.deepEqual(lines.sort(), [
    'changed default-ulimits.nofile {"soft":1024,"hard":4096} /etc/default/docker:1',
    "changed log-opts.max-file 1 (default) /lib/systemd/system/docker.service:4",
    "invalid storage-driver  /lib/systemd/system/docker.service:4",
    "kept HTTPS_PROXY http://***@proxy:3128 /etc/default/docker:2",
    "kept LimitMEMLOCK infinity /etc/systemd/system/docker.service.d/limits.conf:2",
    "kept NO_PROXY localhost,.svc /etc/systemd/system/docker.service.d/limits.conf:3",
    'kept insecure-registries ["r.example:5000"] /etc/default/docker:1',
    "kept log-opts.max-size 10m /lib/systemd/system/docker.service:4",
    "kept native.cgroupdriver systemd Docker's default on cgroup v2",
    'kept runtimes.kata {"path":"/opt/kata"} /etc/default/docker:1',
    "kept storage-driver overlay2 /etc/docker/daemon.json:1",
    "unneeded containerd /run/containerd/containerd.sock /lib/systemd/system/docker.service:3",
    "unneeded hosts fd:// /lib/systemd/system/docker.service:3",
    "unneeded live-restore true /lib/systemd/system/docker.service:4",
  ]);
});
