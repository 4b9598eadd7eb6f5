import { execFileSync } from "node:child_process";
import { globSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

// Makes dist/cli/ferry.cjs: the command line as one file. Resolving and linking twenty modules costs a command of 40 ms
// ten; in one CommonJS file, each module is a function that is called when it is first needed.

// The commands of a migration are not in it, nor the drivers that they use: they are large and rare. Who calls one gets
// the modules as they are. How an API server's refusal is told is in it, with all that a command may end with.

const root = "dist/cli-modules";
const apart =
  /^(migrate|core|drivers|gen)\/|^cli\/commands\/(migrate\/|explain$)|^cli\/migrate\/|^clients\/(?!docker\/|kubernetes\/api-error$)/;

execFileSync("node_modules/.bin/tsc", ["-p", "tsconfig.cli.json"], { stdio: "inherit" });
const modules = globSync(`${root}/**/*.js`)
  .map((path) => ({ path, name: path.slice(root.length + 1, -".js".length) }))
  .filter(({ name }) => !apart.test(name))
  .sort((a, b) => (a.name < b.name ? -1 : 1))
  .map(({ path, name }) => {
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
/** The modules run the whole command line, and end the process. */
function handOver() {
  return import("./main.js").then(() => new Promise(() => {}));
}
requireBundled("cli/main");
`,
);
rmSync(root, { recursive: true });

/** A module's code with the modules it asks for named as they are named here; Node's own stay `require`. */
function localized(name: string, code: string): string {
  const target = (specifier: string) =>
    (specifier.startsWith("#") ? specifier.slice(1) : normalize(join(dirname(name), specifier))).replace(
      /\.[jt]s$/,
      "",
    );
  return code
    .replace(/Promise\.resolve\(\)\.then\(\(\) => __importStar\(require\("([^"]+)"\)\)\)/g, (all, specifier: string) =>
      apart.test(target(specifier)) ? "handOver()" : all,
    )
    .replace(/\brequire\("((?:#|\.)[^"]+)"\)/g, (_, specifier: string) => {
      const wanted = target(specifier);
      if (apart.test(wanted)) throw new Error(`${name} imports ${wanted}, which is not in the file`);
      return `requireBundled(${JSON.stringify(wanted)})`;
    });
}
