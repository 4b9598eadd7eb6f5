import assert from "node:assert/strict";
import { basename } from "node:path";
import test from "node:test";
import { decodeConfig } from "../../daemon/config.ts";
import { playScript } from "#test/support/trace-script.ts";
import { readCommandLine } from "../host/command-line.ts";
import { readUnit } from "../host/read-unit.ts";
import { placeText, type LedgerEntry } from "../ledger/ledger.ts";
import { fails } from "#test/support/fails.ts";
import { hostRootOf } from "#test/support/host-root.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { convertForCriDockerd } from "./convert-for-cri-dockerd.ts";
import { convert } from "./convert.ts";
import type { Conversion, ConvertedFile } from "./conversion.ts";
import type { DockerHost } from "./docker-host.ts";
import { keyProblem } from "../containerd-config/known-keys.ts";
import { leavesOf } from "../containerd-config/leaf.ts";
import { parseContainerdConfig } from "../containerd-config/parse-config.ts";
import { parseContainerdVersion } from "../containerd-config/config-version.ts";
import { readDockerHost } from "./read-docker-host.ts";
import { containerdSpec, ferrySpec, type TargetSpec } from "./target-spec.ts";
import { writeConversion } from "./write-conversion.ts";

const nothing: DockerHost = { certificates: [], logins: [], kubelet: {}, images: [], cgroupVersion: 2 };

test("daemon.json becomes containerd's and ferry's configuration, and each key is accounted for", async () => {
  await playScript("convert-daemon-json.txt", openConverter);
});

/**
 * Words of the script: `target containerd 1.7`, `config TOML` and `ferry TOML` (of the runtime that is there), `image NAME`, `kubelet FIELD VALUE` set up; a line that begins with `{` is
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
    } else if (word === "ferry") {
      const text = words.slice(1).join(" ").replaceAll("\\n", "\n");
      host = { ...host, ferryConfig: { path: "/etc/ferry/config.toml", text } };
    } else if (word === "image") host = { ...host, images: [...host.images, first] };
    else if (word === "cgroup") host = { ...host, cgroupVersion: first === "1" ? 1 : 2 };
    else if (word === "kubelet") {
      const fact = { value: second, source: { t: "file", path: "/var/lib/kubelet/config.yaml" } } as const;
      host = { ...host, kubelet: { ...host.kubelet, [first]: fact } };
    } else {
      const text = words.join(" ").replaceAll("\\n", "\n");
      const conversion = convertTo({ ...host, daemonJson: { path: "/etc/docker/daemon.json", text } });
      assertFerryReads(conversion);
      assertContainerdKnows(conversion);
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

/** Every key below the CRI plugins is one that this version has, of the type it wants. */
function assertContainerdKnows({ files }: Conversion): void {
  const file = files.find(({ path }) => path === "/etc/containerd/config.toml");
  if (file === undefined) return;
  const { tree, version, sourceOf } = parseContainerdConfig({ path: file.path, text: file.content });
  for (const { path, value } of leavesOf(tree, sourceOf)) assert.equal(keyProblem(version, path, value), undefined);
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

test("flags as Go reads them: truth in six words, and one that is not known takes no other for its value", async () => {
  await using host = await hostRootOf(`
== /lib/systemd/system/docker.service
[Service]
ExecStart=/usr/bin/dockerd --frobnicate --data-root=/data//docker/ --debug=True --ipv6 --icc=maybe
== /data/docker/image/overlay2/repositories.json
{"Repositories":{"10.1.2.3:5000/app":{"10.1.2.3:5000/app:1":"sha256:aa"}}}
`);
  const read = await readDockerHost({ root: host.root, images: [] });
  assert.deepEqual(read.images, ["10.1.2.3:5000/app:1"]);
  const told = convert(read, containerdSpec({ major: 1, minor: 7 })).ledger.map(
    ({ outcome, key, value, note }) => `${outcome} ${key} ${value} ${note.slice(0, 24)}`,
  );
  for (const line of [
    "invalid --frobnicate  dockerd has no such flag",
    "invalid icc  must be true or false",
    "kept debug true of the daemon's own log",
    "unneeded ipv6 true docker0's; pods get thei",
  ]) {
    assert.ok(told.includes(line), `${line} in\n${told.join("\n")}`);
  }
});

test("files of a conversion that lead out of the directory are not written", async () => {
  await using directory = await temporaryDirectory("convert-out");
  const file = { path: "/etc/../../../evil", mode: 0o644, content: "", why: "" };
  const conversion = { target: "containerd 1.7", files: [file], ledger: [] };
  await fails("invalidArgument", writeConversion(conversion, `${directory.path}/out`), /leads out of/);
});

test("a host is read as a whole: certificates, logins, the kubelet, images in use", async () => {
  await using host = await hostRootOf(`
== /etc/docker/daemon.json
{
  "registry-mirrors": ["https://mirror.example:5000"],
  "insecure-registries": ["10.0.0.0/8", "reg.example"]
}
== /etc/docker/certs.d/mirror.example:5000/ca.crt
-----BEGIN CERTIFICATE-----
== /etc/docker/certs.d/mirror.example:5000/client.cert
-----BEGIN CERTIFICATE-----
== /etc/docker/certs.d/mirror.example:5000/client.key
-----BEGIN PRIVATE KEY-----
== /etc/docker/certs.d/mirror.example:5000/other.cert
-----BEGIN CERTIFICATE-----
== /var/lib/docker/image/overlay2/repositories.json
{"Repositories":{"10.1.2.3:5000/app":{"10.1.2.3:5000/app:1":"sha256:aa","10.1.2.3:5000/app@sha256:bb":"sha256:aa"}}}
== /root/.docker/config.json
{"auths": {"mirror.example:5000": {"auth": "c2VjcmV0"}, "https://index.docker.io/v1/": {}}, "credsStore": "pass",
 "proxies": {"default": {"httpProxy": "http://p"}}}
== /var/lib/kubelet/config.json
{"auths": {"r.example": {"auth": "c2VjcmV0"}}}
== /.docker/config.json
none
== /etc/systemd/system/kubelet.service
[Service]
ExecStart=/usr/bin/kubelet --cgroup-driver=systemd --pod-infra-container-image=registry.k8s.io/pause:3.6 --cni-bin-dir=/opt/cni/bin
== /etc/systemd/system/docker.service.d/proxy.conf
[Service]
Environment="HTTP_PROXY=http://me:p%%40ss@proxy:3128"
`);
  const spec = containerdSpec({ major: 1, minor: 7 });
  const { files, ledger } = convert(await readDockerHost({ root: host.root, images: [] }), spec);
  const lines = ledger.map(({ outcome, key, value, action = "" }) =>
    [outcome, key, value, action.slice(0, 40)].join(" | "),
  );
  assert.deepEqual(lines.toSorted(), [
    "changed | insecure-registries | 10.0.0.0/8 | for a registry in it that is used by nam",
    "invalid | auths |  | ",
    "kept | --cni-bin-dir | /opt/cni/bin | ",
    "kept | --pod-infra-container-image | registry.k8s.io/pause:3.6 | ",
    "kept | HTTP_PROXY | http://***@proxy:3128 | ",
    "kept | auths[r.example] | *** | ",
    "kept | certs.d/mirror.example:5000 | ca.crt, client.cert | ",
    "kept | insecure-registries | reg.example | ",
    "kept | native.cgroupdriver | systemd | ",
    "kept | net.ipv4.ip_unprivileged_port_start | true | ",
    'kept | registry-mirrors | ["https://mirror.example:5000"] | mirror.example:5000 has a login: give po',
    "lost | credsStore | pass | give the kubelet --image-credential-prov",
    "unneeded | auths[mirror.example:5000] | *** | pods that need it: an imagePullSecret, o",
    "unneeded | proxies | {…} | ",
  ]);
  const text = (path: string) => files.find((file) => file.path.endsWith(path))?.content ?? "";
  const directory = "/etc/containerd/certs.d/mirror.example:5000";
  assert.match(text("docker.io/hosts.toml"), new RegExp(`ca = \\[ "${directory}/ca.crt" \\]`));
  assert.match(
    text("docker.io/hosts.toml"),
    new RegExp(`client = \\[ \\[ "${directory}/client.cert", "${directory}/client.key" \\] \\]`),
  );
  assert.match(text("10.1.2.3:5000/hosts.toml"), /skip_verify = true/);
  assert.match(text("http-proxy.conf"), /"HTTP_PROXY=http:\/\/me:p%%40ss@proxy:3128"/);
  const modes = files.map(({ path, mode }) => [path.split("/").at(-1), mode.toString(8)]);
  assert.deepEqual(
    modes.filter(([, mode]) => mode === "600"),
    [
      ["client.key", "600"],
      ["http-proxy.conf", "600"],
    ],
  );
});

test("hostile texts cost no more than their length", { timeout: 300_000 }, () => {
  const deep = `${'{"a":'.repeat(200_000)}1${"}".repeat(200_000)}`;
  const daemonJson = { path: "/etc/docker/daemon.json", text: deep };
  assert.match(convert({ ...nothing, daemonJson }, ferrySpec).ledger[0]?.note ?? "", /is nested deeper than 64/);
  const wide = {
    path: "/etc/docker/daemon.json",
    text: `{${Array.from({ length: 10_000 }, (_, at) => `"k${at}":1`).join(",")}}`,
  };
  assert.equal(convert({ ...nothing, daemonJson: wide }, ferrySpec).ledger.length, 10_001);
});
