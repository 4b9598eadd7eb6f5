import assert from "node:assert/strict";
import test from "node:test";
import { formatPortList } from "./port-list.ts";
import { filterQuery, formatList } from "./print-list.ts";

const layout = { headers: { ID: "CONTAINER ID", Names: "NAMES", Ports: "PORTS" }, fields: ["ID", "Ports", "Names"] };
const rows = [
  { ID: "0f6e289be6e6", Names: "web", Ports: "" },
  { ID: "23eb9e22b007", Names: "ünï", Ports: "0.0.0.0:80->80/tcp" },
];

// As the docker client prints the same rows.
test("the default table", async () => {
  assert.equal(
    await formatList(rows, layout, undefined),
    [
      "CONTAINER ID   PORTS                NAMES\n",
      "0f6e289be6e6                        web\n",
      "23eb9e22b007   0.0.0.0:80->80/tcp   ünï\n",
    ].join(""),
  );
});

test("a narrow column is ten wide", async () => {
  const text = await formatList([{ A: "x", B: "y" }], { headers: { A: "A", B: "B" }, fields: ["A", "B"] }, "table");
  assert.equal(text, "A         B\nx         y\n");
});

const formats: readonly (readonly [string, string])[] = [
  ["{{.Names}}", "web\nünï\n"],
  ["{{.Names}}\\t{{.ID}}", "web\t0f6e289be6e6\nünï\t23eb9e22b007\n"],
  ["table {{.ID}}\\t{{.Names}}", "CONTAINER ID   NAMES\n0f6e289be6e6   web\n23eb9e22b007   ünï\n"],
  ["json", rows.map((row) => `${JSON.stringify(row)}\n`).join("")],
];

for (const [format, expected] of formats) {
  test(`--format ${format}`, async () => assert.equal(await formatList(rows, layout, format), expected));
}

test("an unknown field names those there are", async () => {
  await assert.rejects(formatList(rows, layout, "{{.Nmaes}}"), {
    message: "template: can't evaluate field Nmaes",
    next: "fields: ID Names Ports",
  });
});

test("filters are gathered by key", () => {
  assert.equal(filterQuery([]), undefined);
  assert.equal(
    filterQuery(["status=exited", "status=dead", "label=a=b"]),
    '{"status":["exited","dead"],"label":["a=b"]}',
  );
  assert.throws(() => filterQuery(["status"]), /not key=value/);
});

const tcp = (port: Partial<{ IP: string; PublicPort: number }> & { PrivatePort: number }) => ({ Type: "tcp", ...port });

const ports: readonly (readonly [string, Parameters<typeof formatPortList>[0], string])[] = [
  ["none", [], ""],
  ["exposed only", [tcp({ PrivatePort: 443 })], "443/tcp"],
  [
    "published on both families",
    [tcp({ IP: "0.0.0.0", PrivatePort: 80, PublicPort: 8080 }), tcp({ IP: "::", PrivatePort: 80, PublicPort: 8080 })],
    "0.0.0.0:8080->80/tcp, [::]:8080->80/tcp",
  ],
  [
    "neighbours",
    [80, 81, 82, 90].map((port) => tcp({ IP: "0.0.0.0", PrivatePort: port, PublicPort: port })),
    "0.0.0.0:80-82->80-82/tcp, 0.0.0.0:90->90/tcp",
  ],
  ["two protocols", [tcp({ PrivatePort: 53 }), { Type: "udp", PrivatePort: 53 }], "53/tcp, 53/udp"],
];

for (const [name, list, expected] of ports) {
  test(`ports: ${name}`, () => assert.equal(formatPortList(list), expected));
}
