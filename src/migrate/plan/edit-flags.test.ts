import assert from "node:assert/strict";
import test from "node:test";
import { fileVariables, flagsIn, type FlagRegion } from "../host/command-line.ts";
import { editFlags, type FlagEdit } from "./edit-flags.ts";

function inFile(text: string, edits: readonly FlagEdit[], elsewhere?: ReadonlySet<string>): string {
  const [region] = fileVariables({ path: "/f", text });
  assert(region !== undefined);
  return editFlags(text, region, edits, elsewhere ?? new Set());
}

const endpoint = { name: "container-runtime-endpoint", value: "unix:///run/x.sock" };
const off = (name: string): FlagEdit => ({ name, value: null });

test("flags of an environment file", () => {
  const cases: [string, FlagEdit[], string][] = [
    [
      `A="--network-plugin=cni --x=1"\n`,
      [off("network-plugin"), endpoint],
      `A="--x=1 --container-runtime-endpoint=unix:///run/x.sock"\n`,
    ],
    [`A="--x=1 --network-plugin cni --y"`, [off("network-plugin")], `A="--x=1 --y"`],
    [`A="--network-plugin=cni --network_plugin=cni --x"`, [off("network-plugin")], `A="--x"`],
    [`A="--network-plugin=cni"\n`, [off("network-plugin")], `A=""\n`],
    [
      `A="--network-plugin=cni"\n`,
      [off("network-plugin"), endpoint],
      `A="--container-runtime-endpoint=unix:///run/x.sock"\n`,
    ],
    [`A=\n`, [endpoint], `A=--container-runtime-endpoint=unix:///run/x.sock\n`],
    [
      `# kept\nA='--x  --container-runtime-endpoint=old   --y'`,
      [endpoint],
      `# kept\nA='--x  --container-runtime-endpoint=unix:///run/x.sock   --y'`,
    ],
    [`A=--container-runtime-endpoint old --y`, [endpoint], `A=--container-runtime-endpoint unix:///run/x.sock --y`],
    [
      `A="--container-runtime-endpoint=a --x --container-runtime-endpoint=b"`,
      [endpoint],
      `A="--x --container-runtime-endpoint=unix:///run/x.sock"`,
    ],
    [`A="--network-plugin-mtu=1 --network-plugin=cni"`, [off("network-plugin")], `A="--network-plugin-mtu=1"`],
    [`A="--node-labels=x=--network-plugin=cni"`, [off("network-plugin")], `A="--node-labels=x=--network-plugin=cni"`],
  ];
  for (const [before, edits, after] of cases) assert.equal(inFile(before, edits), after);
  assert.equal(inFile(`A="--x"`, [endpoint], new Set([endpoint.name])), `A="--x"`, "it is in another region");
});

test("words of ExecStart keep their lines", () => {
  const text = `[Service]
ExecStart=/usr/bin/kubelet \\
  --network-plugin=cni \\
  # why not
  --x=1
`;
  const start = text.indexOf("kubelet") + "kubelet".length;
  const region: FlagRegion = { path: "/u", line: 2, style: "exec-start", start, end: text.length - 1 };
  assert.equal(
    editFlags(text, region, [off("network-plugin"), endpoint], new Set()),
    `[Service]
ExecStart=/usr/bin/kubelet \\
  # why not
  --x=1 --container-runtime-endpoint=unix:///run/x.sock
`,
  );
});

test("Environment= gets the quotes it needs", () => {
  const text = "Environment=A=--x B=2\n";
  const start = text.indexOf("--x");
  const region: FlagRegion = { path: "/u", line: 1, style: "unit-word", variable: "A", start, end: start + 3 };
  assert.equal(
    editFlags(text, region, [endpoint], new Set()),
    'Environment="A=--x --container-runtime-endpoint=unix:///run/x.sock" B=2\n',
  );
});

test("property: editing changes the flags asked for and nothing else", () => {
  const random = generator(7);
  const names = ["network-plugin", "container-runtime", "x", "node-labels", "config", "v"];
  const edits: FlagEdit[] = [off("network-plugin"), { name: "container-runtime", value: "remote" }];
  for (let round = 0; round < 500; round++) {
    const words = Array.from({ length: random(8) }, () => {
      const name = names[random(names.length)] ?? "";
      return [`--${name}=v${random(9)}`, `--${name} w${random(9)}`, `--${name}`, `--${name}='a b'`][random(4)] ?? "";
    });
    const blank = () => " ".repeat(1 + random(3));
    const text = `# ${round}\nA="${words.map((word) => word + blank()).join("")}"\nB="--network-plugin=cni"\n`;
    const edited = inFile(text, edits);
    const flags = (source: string) => {
      const [region] = fileVariables({ path: "/f", text: source });
      return region === undefined ? [] : flagsIn(source, region).map(({ name, value }) => ({ name, value }));
    };
    const untouched = (list: { name: string }[]) =>
      list.filter(({ name }) => edits.every((edit) => edit.name !== name));
    assert.deepEqual(untouched(flags(edited)), untouched(flags(text)), text);
    assert.deepEqual(
      flags(edited).filter(({ name }) => name.startsWith("container") || name.startsWith("network")),
      [{ name: "container-runtime", value: "remote" }],
      text,
    );
    assert.equal(inFile(edited, edits), edited, "a second time changes nothing");
    assert(edited.startsWith(`# ${round}\nA="`) && edited.endsWith(`"\nB="--network-plugin=cni"\n`), edited);
  }
});

/** Whole numbers below `limit`, the same in every run. */
function generator(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}
