import assert from "node:assert/strict";
import test from "node:test";
import { lineOf, tomlLines } from "./toml-lines.ts";

const text = `# [no.table]
version = 2
list = [
  "a", # ] not yet
  "[b]",
]
text = """
[not.a.table]
x = 1
"""
[plugins."io.containerd.grpc.v1.cri".registry] # here
config_path = "/x"
mirrors."docker.io".endpoint = ["https://m"]
inline = { a = 1, b = "}" }
  [plugins.'x.y']
  z = 'it''s'
[[many]]
one = 1
`;

test("tables and keys are found on their lines, and nothing in texts and comments is", () => {
  const lines = tomlLines(text);
  const cri = "io.containerd.grpc.v1.cri";
  const at = (...path: string[]) => lineOf(lines, path);
  assert.deepEqual(
    [
      at("version"),
      at("list"),
      at("text"),
      at("plugins", cri, "registry"),
      at("plugins", cri, "registry", "config_path"),
    ],
    [2, 3, 7, 11, 12],
  );
  assert.equal(at("plugins", cri, "registry", "mirrors", "docker.io", "endpoint"), 13);
  assert.equal(at("plugins", cri, "registry", "inline", "a"), 14);
  assert.deepEqual([at("plugins", "x.y", "z"), at("many", "one")], [16, 18]);
  assert.deepEqual([at("not"), at("no"), at("x")], [undefined, undefined, undefined]);
});
