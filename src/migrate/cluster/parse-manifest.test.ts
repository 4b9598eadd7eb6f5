import assert from "node:assert/strict";
import test from "node:test";
import { parseManifest } from "./parse-manifest.ts";
import { sourceAt, textLineAt } from "./place.ts";

test("documents, lists and lists in lists become objects with their lines", () => {
  const { objects, problem } = parseManifest(
    "a.yaml",
    `# a comment
apiVersion: v1
kind: Service
spec: { ports: [{ port: 80 },
  { port: 2375 }] }
---
---
just: values
---
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Pod
  metadata: { name: a }
- kind: PodList
  items:
  - { apiVersion: v1, kind: Pod,
      metadata: { name: b } }
`,
  );
  assert.equal(problem, undefined);
  const places = objects.map(({ object, place }) => [object.at("kind").text, sourceAt(place, "")]);
  assert.deepEqual(places, [
    ["Service", { t: "file", path: "a.yaml", line: 3 }],
    ["Pod", { t: "file", path: "a.yaml", line: 13 }],
    ["Pod", { t: "file", path: "a.yaml", line: 18 }],
  ]);
  const [service, , pod] = objects;
  assert(service !== undefined && pod !== undefined);
  assert.deepEqual(sourceAt(service.place, ".spec.ports[1].port"), { t: "file", path: "a.yaml", line: 5 });
  assert.deepEqual(sourceAt(pod.place, ".metadata.name"), { t: "file", path: "a.yaml", line: 19 });
});

test("lines of a block are its own; a quoted text has its key's", () => {
  const { objects } = parseManifest(
    "a.yaml",
    'apiVersion: v1\nkind: ConfigMap\ndata:\n  a.conf: |\n    one\n    two\n  b.conf: "one\\ntwo"\n',
  );
  const place = objects[0]?.place;
  assert(place?.t === "file");
  assert.equal(textLineAt(place, ".data['a.conf']", 2), 6);
  assert.equal(textLineAt(place, ".data['b.conf']", 2), 7);
});

const broken: readonly (readonly [name: string, text: string, says: RegExp])[] = [
  ["no YAML", "apiVersion: v1\nkind: [\n", /line 3: /],
  ["a template of Helm's", "kind: {{ .Values.kind }}\n{{- end }}\n", /render it first/],
  ["nested beyond all bounds", `a: ${"[".repeat(50_000)}`, /./],
  ["JSON that breaks off", `{"kind": "Pod", ${" ".repeat(3 << 20)}`, /JSON/],
];

for (const [name, text, says] of broken) {
  test(`${name} is told, never thrown`, () => {
    assert.match(parseManifest("a.yaml", text).problem ?? "", says);
  });
}

test("large JSON is read without lines", () => {
  const items = Array.from({ length: 3000 }, (_, at) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: `p${at}` },
    pad: "x".repeat(800),
  }));
  const { objects } = parseManifest("pods.json", JSON.stringify({ apiVersion: "v1", kind: "List", items }));
  assert.equal(objects.length, 3000);
  assert.deepEqual(objects.map(({ place }) => sourceAt(place, ".metadata")).at(-1), { t: "file", path: "pods.json" });
});
