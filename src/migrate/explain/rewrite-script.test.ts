import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import test from "node:test";
import { rewriteScript } from "./rewrite-script.ts";

test("a script is rewritten where it can be, and says so where it cannot", () => {
  const script = `#!/bin/sh
set -e
for c in $(docker ps -q --filter name=k8s_app_); do
\tdocker exec "$c" kill -1 1
done
docker build -t x .
docker logs web \\
  2>&1 | grep error
`;
  const { text, rewritten, left } = rewriteScript(script, "crictl");
  assert.deepEqual([rewritten, left], [3, 1]);
  assert.deepEqual(
    text.split("\n").filter((line) => !line.includes("# ferry explain:")),
    [
      "#!/bin/sh",
      "set -e",
      "for c in $(crictl ps -q --label io.kubernetes.container.name=app); do",
      '\tcrictl exec "$c" kill -1 1',
      "done",
      "docker build -t x .",
      "crictl logs $(crictl ps -q --name web) \\",
      "  2>&1 | grep error",
      "",
    ],
  );
  assert.match(text, /# ferry explain: no crictl command: .*\ndocker build/);
  execFileSync("sh", ["-n"], { input: text });
});

test("a redirection between the words is not lost: the command is left", () => {
  const { text, rewritten } = rewriteScript("docker logs >file -f web\n", "crictl");
  assert.equal(rewritten, 0);
  assert.match(text, /^# ferry explain: a redirection stands between/);
  assert.ok(text.endsWith("docker logs >file -f web\n"));
});

test("a script without docker comes back to the byte", () => {
  const script = "echo 'docker ps'\n\tsystemctl restart docker\r\n# docker rm\n";
  assert.deepEqual(rewriteScript(script, "nerdctl"), { text: script, rewritten: 0, left: 0 });
});

test("no comment is put into a quoted word", () => {
  const { text } = rewriteScript('echo "pods:\n$(docker ps -a)"\n', "crictl");
  assert.match(text, /^# ferry explain: .*\necho "pods:\n\$\(crictl ps -a\)"\n$/);
});

test("no comment is put into a continued line", () => {
  const { text } = rewriteScript("sudo \\\n  docker ps -a\n", "crictl");
  assert.match(text, /^# ferry explain: .*\nsudo \\\n {2}crictl ps -a\n$/s);
});

test("a command that took several lines keeps the remarks of those behind it at their place", () => {
  const script =
    "docker exec \\\n  -it web sh\ndocker ps\ndocker exec $(docker ps -q \\\n  --filter status=dead) sh\necho done";
  const { text } = rewriteScript(script, "crictl");
  assert.deepEqual(
    text.split("\n").map((line) => (line.startsWith("#") ? "#" : line)),
    [
      "#",
      "crictl exec -i -t $(crictl ps -q --name web) sh",
      "#",
      "crictl ps",
      "#",
      "#",
      "#",
      "crictl exec $(crictl ps -q) sh",
      "echo done",
    ],
  );
});

test("a long script costs what its length says", { timeout: 60_000 }, () => {
  const script = "docker ps -a\n".repeat(10_000);
  assert.equal(rewriteScript(script, "crictl").rewritten, 10_000);
});
