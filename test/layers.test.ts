import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import test from "node:test";

type Rule = { may: string[]; thirdParty: string[]; why: string };

/** What each layer may import. `node` stands for Node's I/O modules; a driver is a layer of its own by folder. */
const layers: Record<string, Rule> = {
  base: { may: ["node"], thirdParty: ["koffi"], why: "base knows no domain" },
  core: { may: ["base"], thirdParty: [], why: "core is nouns: interfaces and values, without I/O" },
  engine: { may: ["base", "core", "node"], thirdParty: [], why: "use cases work on core's nouns and know no driver" },
  drivers: {
    may: ["base", "core", "node"],
    thirdParty: ["koffi", "smol-toml", "dns-packet", "yaml"],
    why: "a driver serves core's interfaces and knows neither the engine nor another driver",
  },
  gen: { may: [], thirdParty: ["@bufbuild/protobuf"], why: "generated wire types know nothing of ours" },
  surfaces: {
    may: ["base", "core", "engine", "gen", "node"],
    thirdParty: ["ws", "@bufbuild/protobuf"],
    why: "a surface translates; it reaches no driver, file or other surface by itself",
  },
  clients: {
    may: ["base", "gen", "node"],
    thirdParty: ["yaml", "ws", "@connectrpc/connect", "@connectrpc/connect-node"],
    why: "a client speaks a wire protocol to any server",
  },
  cli: { may: ["base", "clients", "migrate", "node"], thirdParty: [], why: "the command line is a client" },
  migrate: {
    may: ["base", "clients", "core", "drivers", "node"],
    thirdParty: ["yaml", "smol-toml"],
    why: "migration reads files and speaks to servers as any client does; core gives it its nouns, a driver writes layers",
  },
  daemon: {
    may: ["base", "core", "engine", "drivers", "surfaces", "migrate", "node"],
    thirdParty: ["koffi", "smol-toml"],
    why: "the daemon composes everything and is imported by nothing; it reads containerd's configuration as migrate does",
  },
};

/** Node modules that do no I/O, free for every layer. */
const pureNodeModules = new Set(["crypto", "path", "url", "util", "events", "string_decoder", "buffer", "stream"]);

test("imports go the way the layers allow", () => {
  const failures: string[] = [];
  const used = new Set<string>();
  for (const file of globSync("src/**/*.ts")) {
    const layer = file.split("/")[1] ?? "";
    const rule = layers[layer];
    if (rule === undefined) failures.push(`${file}: folder src/${layer} is no layer`);
    else for (const specifier of importsOf(file)) failures.push(...judge(file, layer, rule, specifier, used));
  }
  for (const [layer, rule] of Object.entries(layers)) {
    const unused = [...rule.may, ...rule.thirdParty].filter((target) => !used.has(`${layer} ${target}`));
    failures.push(...unused.map((target) => `${layer}: may import ${target}, and nothing does: strike it`));
  }
  assert.deepEqual(failures, []);
});

function judge(file: string, layer: string, rule: Rule, specifier: string, used: Set<string>): string[] {
  if (isTest(file)) return [];
  const no = (target: string) => [`${file}: imports ${specifier}: ${layer} may not import ${target}: ${rule.why}`];
  if (specifier.startsWith("node:")) {
    const name = specifier.slice(5).split("/")[0] ?? "";
    if (pureNodeModules.has(name)) return [];
    used.add(`${layer} node`);
    return rule.may.includes("node") ? [] : no("Node's I/O");
  }
  const path = targetPath(file, specifier);
  if (path === undefined) {
    const name = specifier
      .split("/")
      .slice(0, specifier.startsWith("@") ? 2 : 1)
      .join("/");
    used.add(`${layer} ${name}`);
    return rule.thirdParty.includes(name) ? [] : no(name);
  }
  const [target = "", folder = ""] = path.split("/");
  used.add(`${layer} ${target}`);
  if (target !== layer) return rule.may.includes(target) ? [] : no(target);
  const separate = layer === "drivers" || layer === "surfaces";
  const own = file.split("/")[2];
  return separate && folder !== own ? no(`${target}/${folder}`) : [];
}

/** Path below src/, or undefined for a package. */
function targetPath(file: string, specifier: string): string | undefined {
  if (specifier.startsWith("#")) return specifier.slice(1);
  if (specifier.startsWith(".")) return relative("src", join(dirname(file), specifier));
  return undefined;
}

function importsOf(file: string): string[] {
  const source = readFileSync(file, "utf8");
  const pattern =
    /^\s*(?:import|export)\b[^"';]*?from\s*"([^"]+)"|^\s*import\s*"([^"]+)"|\bimport\(\s*"([^"]+)"\s*\)/gm;
  return [...source.matchAll(pattern)].map((match) => match[1] ?? match[2] ?? match[3] ?? "");
}

function isTest(file: string): boolean {
  return /\.(test|contract|fixture)\.ts$/.test(file);
}

test("node:http is taken whole, not by import statements", () => {
  // A static import evaluates every export of a built-in module, and one of http's is a WebSocket client of 7 MB.
  const files = globSync("src/**/*.ts").filter((file) => !isTest(file));
  const valueImport = /^import (?!type )[^;]*? from "node:https?";/m;
  assert.deepEqual(
    files.filter((file) => valueImport.test(readFileSync(file, "utf8"))),
    [],
  );
});
