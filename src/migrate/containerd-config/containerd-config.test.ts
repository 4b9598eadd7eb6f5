import assert from "node:assert/strict";
import test from "node:test";
import { sections } from "../../daemon/config-sections.ts";
import { decodeConfig } from "../../daemon/config.ts";
import { hostRootOf } from "#test/support/host-root.ts";
import { playScript } from "#test/support/trace-script.ts";
import { ledgerLines } from "../ledger/format-ledger.ts";
import type { LedgerEntry } from "../ledger/ledger.ts";
import { keyProblem } from "./known-keys.ts";
import { mergeImports } from "./merge-imports.ts";
import { migrateContainerdConfig } from "./migrate-config.ts";
import { parseContainerdConfig } from "./parse-config.ts";
import { readContainerdConfig } from "./read-config.ts";
import { toFerryConfig } from "./to-ferry.ts";

test("a configuration of each version becomes a later one's and ferry's, and each key is accounted for", async () => {
  await playScript("containerd-config.txt", openMigration);
});

/** Lines are TOML until `to 2|3|4|ferry`, which is answered: what became of each key, then the new file. */
function openMigration() {
  const lines: string[] = [];
  const play = (words: readonly string[]): string[] => {
    const [word, target] = words;
    if (word !== "to") {
      lines.push(words.join(" "));
      return [];
    }
    const config = parseContainerdConfig({ path: "config.toml", text: `${lines.join("\n")}\n` });
    if (target !== "ferry") {
      const to = target === "4" ? 4 : target === "3" ? 3 : 2;
      return answer(migrateContainerdConfig(config, { to }));
    }
    const ferry = toFerryConfig(config);
    assert.deepEqual(decodeConfig(ferry.text).warnings, [], "ferryd reads what it wrote");
    return answer(ferry);
  };
  return { play };
}

/** What is kept in its place is left out. */
function answer({ text, ledger: all }: { text: string; ledger: readonly LedgerEntry[] }): string[] {
  const ledger = all.filter(({ outcome, key, to, note }) => outcome !== "kept" || to[0]?.key !== key || note !== "");
  const file = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return [
    ...ledgerLines(ledger).map((line) => line.replaceAll("config.toml:", "")),
    ...file.map((line) => `| ${line}`),
  ];
}

test("there is no way back, and comments are counted", () => {
  const config = parseContainerdConfig({
    path: "config.toml",
    text: "# one\nversion = 3\n# two\nroot = '/x' # three\n",
  });
  assert.throws(() => migrateContainerdConfig(config, { to: 2 }), /of version 3, there is no way back to 2/);
  const { ledger } = migrateContainerdConfig(config, { to: 4 });
  assert.deepEqual(ledger.at(-1)?.value, "2 lines");
  assert.throws(() => parseContainerdConfig({ path: "x.toml", text: "a = \n[b" }), /x\.toml: line 1, column \d+: /);
  assert.throws(() => parseContainerdConfig({ path: "x.toml", text: "version = '2'" }), /x\.toml: version: must be/);
});

test("a table that is named as a prototype is a table, here and in an import", async () => {
  const text = "version = 2\n[__proto__]\nleaked = true\n[plugins.__proto__]\nleaked = true\n";
  const config = parseContainerdConfig({ path: "config.toml", text });
  assert.match(migrateContainerdConfig(config, { to: 3 }).text, /\[__proto__\]\nleaked = true/);
  assert.doesNotMatch(toFerryConfig(config).text, /leaked/);
  const more = parseContainerdConfig({ path: "more.toml", text });
  const merged = mergeImports([config, more], true);
  assert.deepEqual([Object.getPrototypeOf(merged.tree), Reflect.get({}, "leaked")], [Object.prototype, undefined]);
});

test("imports are merged as each containerd does", async () => {
  await using host = await hostRootOf(`
== /etc/containerd/config.toml
version = 2
imports = ["conf.d/*.toml"]
disabled_plugins = ["a.b.c.d"]
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "pause:1"
[plugins."io.containerd.grpc.v1.cri".registry]
config_path = "/etc/containerd/certs.d"
== /etc/containerd/conf.d/99-nvidia.toml
version = 2
disabled_plugins = ["a.b.c.d", "e.f.g.h"]
[plugins."io.containerd.grpc.v1.cri".containerd]
default_runtime_name = "nvidia"
== /etc/containerd/conf.d/readme.txt
none
`);
  const files = await readContainerdConfig(host.root, "/etc/containerd/config.toml");
  assert.ok(files !== undefined);
  assert.deepEqual(
    files.map(({ path }) => path),
    ["/etc/containerd/config.toml", "/etc/containerd/conf.d/99-nvidia.toml"],
  );
  const cri = "io.containerd.grpc.v1.cri";
  const deep = mergeImports(files, true);
  const shallow = mergeImports(files, false);
  assert.deepEqual(JSON.parse(JSON.stringify(shallow.tree["plugins"])), {
    [cri]: { containerd: { default_runtime_name: "nvidia" } },
  });
  assert.deepEqual(JSON.parse(JSON.stringify(deep.tree["plugins"])), {
    [cri]: {
      sandbox_image: "pause:1",
      registry: { config_path: "/etc/containerd/certs.d" },
      containerd: { default_runtime_name: "nvidia" },
    },
  });
  assert.deepEqual(deep.tree["disabled_plugins"], ["a.b.c.d", "e.f.g.h"]);
  const where = deep.sourceOf(["plugins", cri, "containerd", "default_runtime_name"]);
  assert.deepEqual(where, {
    t: "file",
    path: "/etc/containerd/conf.d/99-nvidia.toml",
    line: 4,
    excerpt: 'default_runtime_name = "nvidia"',
  });
});

test("each switch of ferry's that has containerd's name is carried over", () => {
  const names = Object.entries(sections.cri).filter(([, field]) => typeof field.default === "boolean");
  const keys = names.map(([name]) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
  const table = ["plugins", "io.containerd.cri.v1.runtime"];
  const shared = keys.filter((key) => keyProblem(3, [...table, key], true) === undefined);
  assert.ok(shared.length >= 4);
  for (const value of ["true", "false"]) {
    const text = `version = 3\n[plugins."io.containerd.cri.v1.runtime"]\n${shared.map((key) => `${key} = ${value}\n`).join("")}`;
    const { ledger } = toFerryConfig(parseContainerdConfig({ path: "config.toml", text }));
    const went = ledger.flatMap(({ to }) => to.map(({ key }) => key));
    assert.deepEqual(went, ["version", ...shared.map((key) => `cri.${key}`)]);
  }
});
