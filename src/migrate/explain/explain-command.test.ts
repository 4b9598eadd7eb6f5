import assert from "node:assert/strict";
import test from "node:test";
import { dockerFlags } from "./docker-flags.ts";
import { explainCommands, findDockerCommands, tools } from "./explain-command.ts";
import type { ToolName } from "./tools/tool.ts";

function lineFor(tool: ToolName, docker: string): string | undefined {
  return explainCommands(docker, [tool])[0]?.translations[0]?.line;
}

const lines: readonly (readonly [docker: string, tool: ToolName, line: string | undefined])[] = [
  ["docker ps -a --no-trunc", "ferry", "ferry ps -a --no-trunc"],
  ["docker container ls -q", "nerdctl", "nerdctl -n k8s.io ps -q"],
  ["docker ps -aqf status=exited", "crictl", "crictl ps -a -q --state Exited"],
  ["docker ps --filter name=web", "crictl", "crictl ps --name web"],
  [
    "docker ps -qf name=k8s_app_web-0_shop",
    "crictl",
    "crictl ps -q --label io.kubernetes.container.name=app --label io.kubernetes.pod.name=web-0 --label io.kubernetes.pod.namespace=shop",
  ],
  ["docker logs -f --tail=10 3f2a1b", "crictl", "crictl logs -f --tail 10 3f2a1b"],
  [
    "docker exec -it web sh -c 'echo $HOME'",
    "crictl",
    "crictl exec -i -t $(crictl ps -q --name web) sh -c 'echo $HOME'",
  ],
  ["docker exec -e A=1 -eB=2 $ID env", "crictl", "crictl exec $ID env A=1 B=2 env"],
  [
    "docker inspect --format '{{.State.Pid}}' $C",
    "crictl",
    "crictl inspect -o go-template --template '{{.info.pid}}' $C",
  ],
  ["docker stop -t 5 $C", "crictl", "crictl stop --timeout 5 $C"],
  ["docker rmi -f nginx", "crictl", "crictl rmi nginx"],
  ["docker kill -s HUP $C", "ctr", "ctr -n k8s.io tasks kill -s HUP $C"],
  ["docker pull nginx", "ctr", "ctr -n k8s.io images pull docker.io/library/nginx:latest"],
  ["docker tag a/b:1 reg.local:5000/b", "ctr", "ctr -n k8s.io images tag docker.io/a/b:1 reg.local:5000/b:latest"],
  ["docker save -o x.tar nginx:1.27", "ctr", "ctr -n k8s.io images export x.tar docker.io/library/nginx:1.27"],
  ["docker load < x.tar", "ctr", "ctr -n k8s.io images import -"],
  ["docker logs --since 10m k8s_app_web-0_shop_u_0", "kubectl", "kubectl logs --since 10m -n shop web-0 -c app"],
  ["docker cp k8s_app_web-0_shop_u_0:/etc/hosts .", "kubectl", "kubectl cp shop/web-0:/etc/hosts ."],
  ["docker build .", "crictl", undefined],
  ["docker network connect a b", "nerdctl", undefined],
  ["docker-compose -f x.yml up -d", "kubectl", undefined],
  ["docker service ls", "ferry", undefined],
];

for (const [docker, tool, line] of lines) {
  test(`${docker}: in ${tool}'s words`, () => assert.equal(lineFor(tool, docker), line));
}

test("each tool has words or a note for each docker command", () => {
  for (const name of Object.keys(dockerFlags)) {
    for (const [tool, translate] of Object.entries(tools)) {
      const { line, notes } = translate({ name, flags: [], args: [], tail: [] });
      assert.ok(line !== undefined || notes.length > 0, `${tool}: ${name}`);
    }
  }
});

test("a flag without counterpart is named, never dropped", () => {
  const [explained] = explainCommands("docker exec -u root --privileged -w /tmp abc123 ls", ["crictl"]);
  const notes = explained?.translations[0]?.notes.join("\n") ?? "";
  for (const flag of ["user", "privileged", "workdir"]) assert.match(notes, new RegExp(`--${flag} has no counterpart`));
});

test("what docker does not know is said, not guessed", () => {
  assert.match(explainCommands("docker frobnicate")[0]?.unreadable ?? "", /no command frobnicate/);
  assert.match(explainCommands("docker ps --colour")[0]?.unreadable ?? "", /no flag --colour/);
});

const shells: Readonly<Record<string, readonly string[]>> = {
  "FOO=1 sudo -E /usr/bin/docker info": ["/usr/bin/docker info"],
  "docker ps -q | xargs -r docker rm -f # docker no": ["docker ps -q", "docker rm -f"],
  'echo "$(docker info) docker no"': ["docker info"],
  "echo 'docker no'": [],
  "if ! docker info >/dev/null 2>&1; then docker version; fi": ["docker info", "docker version"],
  "cat <<EOF\ndocker no\nEOF\ndocker info": ["docker info"],
  "x=`docker info`": ["docker info"],
  "docker run \\\n  --rm alpine": ["docker run --rm alpine"],
  "docker exec $(docker ps -q) ls": ["docker exec $(docker ps -q) ls", "docker ps -q"],
  "a() { docker info; }": ["docker info"],
  "systemctl restart docker": [],
  "apt-get install docker": [],
  'docker "unclosed': ['docker "unclosed'],
  "docker $(": ["docker $("],
};

for (const [text, commands] of Object.entries(shells)) {
  test(`docker commands in ${JSON.stringify(text)}`, () => {
    assert.deepEqual(
      findDockerCommands(text).map(({ words }) => words.map(({ raw }) => raw).join(" ")),
      commands,
    );
  });
}

test("what any object has is no word of docker's, no state and no field", () => {
  const said = (command: string) => JSON.stringify(explainCommands(command));
  assert.match(said("docker constructor x"), /no command constructor/);
  assert.doesNotMatch(said("docker ps --filter status=constructor"), /native code/);
  assert.doesNotMatch(said("docker inspect --format '{{.constructor}}' x"), /native code/);
});
