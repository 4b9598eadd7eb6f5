import { execFileSync } from "node:child_process";
import { globSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

// Makes dist/cli/ferry.cjs: the command line as one file. Resolving and linking twenty modules costs a command of 40 ms
// ten; in one CommonJS file, each module is a function that is called when it is first needed.

const root = "dist/cli-modules";

execFileSync("node_modules/.bin/tsc", ["-p", "tsconfig.cli.json"], { stdio: "inherit" });
const modules = globSync(`${root}/**/*.js`)
  .sort()
  .map((path) => {
    const name = path.slice(root.length + 1, -".js".length);
    return `${JSON.stringify(name)}(exports) {\n${localized(name, readFileSync(path, "utf8"))}}`;
  });
writeFileSync(
  "dist/cli/ferry.cjs",
  `"use strict";
const modules = {
${modules.join(",\n")}
};
const loaded = new Map();
function requireBundled(name) {
  let exports = loaded.get(name);
  if (exports === undefined) {
    loaded.set(name, (exports = {}));
    modules[name](exports);
  }
  return exports;
}
requireBundled("cli/main");
`,
);
rmSync(root, { recursive: true });

/** A module's code with the modules it asks for named as they are named here; Node's own stay `require`. */
function localized(name: string, code: string): string {
  return code.replace(/\brequire\("((?:#|\.)[^"]+)"\)/g, (_, specifier: string) => {
    const path = specifier.startsWith("#") ? specifier.slice(1) : normalize(join(dirname(name), specifier));
    return `requireBundled(${JSON.stringify(path.replace(/\.[jt]s$/, ""))})`;
  });
}
