import assert from "node:assert/strict";
import test from "node:test";
import { dockerCommand } from "./cluster/docker-commands.ts";
import { dockerPathOf } from "./docker-paths.ts";
import type { Finding } from "./finding.ts";
import { fullName, parseImageReference } from "../image-reference.ts";
import { shellWord } from "#base/shell-word.ts";
import { patchCommand } from "./kubectl.ts";
import { mergeFindings } from "./merge-findings.ts";

const paths: readonly (readonly [path: string, kind: string | undefined])[] = [
  ["/var/run/docker.sock", "socket"],
  ["/run/../var/run/docker.sock/", "socket"],
  ["/var/run/docker", "socket"],
  ["/host/docker.sock", "socket"],
  ["//./pipe/docker_engine", "socket"],
  ["/var/run/dockershim.sock", "socket"],
  ["/run/docker/netns/default", "data"],
  ["/var/lib/docker/overlay2/x", "data"],
  ["/usr/local/bin/docker-compose", "data"],
  ["/", "parent"],
  ["/var/run", "parent"],
  ["/var/lib", undefined],
  ["/run/ferry/docker.sock", undefined],
  ["/var/lib/dockerish", undefined],
  ["/run/containerd/containerd.sock", undefined],
];

test("paths and what they have to do with Docker", () => {
  for (const [path, kind] of paths) assert.equal(dockerPathOf(path)?.t, kind, path);
});

const commands: readonly (readonly [text: string, isOne: boolean])[] = [
  ["docker ps -aq", true],
  ["/usr/bin/docker -H unix:///x exec a b", true],
  ["ids=$(docker ps -q)", true],
  ["docker container prune -f", true],
  ["docker compose up -d", true],
  ["systemctl restart docker", true],
  ["echo {} > /etc/docker/daemon.json", true],
  ["see the docker container (alpine)", false],
  ["a docker image of ours", false],
  ["docker.io/library/nginx", false],
  ["mydocker ps", false],
  ["docker-credential-helper get", false],
];

test("docker commands, and prose about docker", () => {
  for (const [text, isOne] of commands) assert.equal(dockerCommand.test(text), isOne, text);
});

test("a text made to keep us costs no more than its length", { timeout: 60_000 }, () => {
  assert.equal(dockerCommand.test(`docker${" -a".repeat(3_000)} !`), false);
  assert.equal(dockerCommand.test(`docker${" -a b --c=d".repeat(800)} ps`), true);
});

test("image names are completed as Docker completes them", () => {
  const names = [
    "busybox",
    "library/busybox",
    "localhost/x",
    "host:5000/x",
    "registry.k8s.io/pause:3.9",
    "a.b/c@sha256:0",
  ];
  assert.deepEqual(
    names.map((name) => parseImageReference(name).registry),
    ["docker.io", "docker.io", "localhost", "host:5000", "registry.k8s.io", "a.b"],
  );
  assert.equal(fullName("nginx"), "docker.io/library/nginx:latest");
  assert.equal(fullName("a/b:1"), "docker.io/a/b:1");
  assert.equal(fullName("localhost/a"), "localhost/a:latest");
  assert.equal(fullName("r:5000/a@sha256:ab"), "r:5000/a@sha256:ab");
  assert.equal(parseImageReference("r:5000/a/b:2@sha256:ab").tag, "2");
});

test("a patch names its place as JSON pointers do, quoted for a shell", () => {
  const workload = {
    ref: { kind: "Deployment", namespace: "n", name: "it's" },
    place: { t: "api", path: "/x" },
    specPath: ".spec.template.spec",
    origin: "template",
  } as const;
  const command = patchCommand(workload, [{ op: "remove", path: ".nodeSelector['a.b/c']" }]);
  assert.equal(
    command,
    `kubectl -n n patch deployment 'it'\\''s' --type=json -p '[{"op":"remove","path":"/spec/template/spec/nodeSelector/a.b~1c"}]'`,
  );
  assert.equal(patchCommand({ ...workload, origin: "pod" }, []), undefined);
  assert.equal(shellWord("a$b"), "'a$b'");
});

test("findings with one title are one, with the worst severity and all evidence", () => {
  const finding = (severity: Finding["severity"], path: string, node: string): Finding => ({
    check: "c",
    severity,
    title: "t",
    why: "w.",
    subject: { t: "cluster" },
    nodes: [node],
    evidence: [{ t: "file", path }],
    fix: { summary: "f." },
  });
  const [one, ...more] = mergeFindings([
    finding("low", "a", "n2"),
    finding("high", "b", "n1"),
    finding("low", "a", "n2"),
  ]);
  assert.deepEqual(more, []);
  assert.deepEqual([one?.severity, one?.nodes, one?.evidence.length], ["high", ["n1", "n2"], 2]);
});
