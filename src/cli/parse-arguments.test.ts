import assert from "node:assert/strict";
import test from "node:test";
import { parseFlagTable } from "./flags.ts";
import { nearest, parseArguments } from "./parse-arguments.ts";

const specs = parseFlagTable(`
-i, --interactive     Keep STDIN open
-t, --tty             Allocate a pseudo-TTY
-p, --publish list    Publish a port
-e, --env list        Set environment variables
    --name string     Assign a name
    --sig-proxy       Proxy signals (default true)
`);

function parse(line: string, interspersed = false) {
  const { flags, rest } = parseArguments(line === "" ? [] : line.split(" "), specs, {
    interspersed,
    helpCommand: "help",
  });
  const given = specs.filter(({ name }) => flags.has(name)).map(({ name }) => [name, ...flags.list(name)].join("="));
  return `${given.join(" ")} | ${rest.join(" ")}`.trim();
}

const lines: readonly (readonly [string, string])[] = [
  ["", "|"],
  ["-it alpine sh -i", "interactive=true tty=true | alpine sh -i"],
  ["--name web alpine", "name=web | alpine"],
  ["--name=web=1 alpine", "name=web=1 | alpine"],
  ["-p80:80 -p=81:81 -p 82:82 x", "publish=80:80=81:81=82:82 | x"],
  ["-itp 80:80 x", "interactive=true tty=true publish=80:80 | x"],
  ["-e A=1 -e B x", "env=A=1=B | x"],
  ["--sig-proxy=false x", "sig-proxy=false | x"],
  ["-i -- -t", "interactive=true | -t"],
  ["- -i", "| - -i"],
];

for (const [line, expected] of lines) {
  test(`run ${line}`, () => assert.equal(parse(line), expected));
}

test("flags may follow arguments where a command has none of its own", () => {
  assert.equal(parse("a -i b --name c", true), "interactive=true name=c | a b");
});

const wrong: readonly (readonly [string, RegExp])[] = [
  ["--nam x", /^unknown flag: --nam; did you mean --name\?$/],
  ["--zzzzzz", /^unknown flag: --zzzzzz$/],
  ["-z", /^unknown flag: -z/],
  ["--name", /^flag needs an argument: --name$/],
  ["-it -p", /^flag needs an argument: -p$/],
];

for (const [line, message] of wrong) {
  test(`run ${line} is refused`, () => {
    assert.throws(() => parse(line), { message, exitCode: 125, next: "help" });
  });
}

test("a flag's value is checked when it is asked for", () => {
  const parsed = (line: string) => parseArguments(line.split(" "), specs, { interspersed: true, helpCommand: "help" });
  assert.equal(parsed("--sig-proxy=f").flags.bool("sig-proxy", true), false);
  assert.equal(parsed("x").flags.bool("sig-proxy", true), true);
  assert.throws(() => parsed("--tty=maybe").flags.bool("tty"), /invalid argument "maybe" for --tty/);
  assert.equal(parsed("--name 7").flags.int("name"), 7);
  assert.throws(() => parsed("--name 7x").flags.int("name"), /not a whole number/);
});

test("nearest finds what was meant, and nothing far away", () => {
  const words = ["ps", "pause", "pull", "push", "images", "inspect", "network ls"];
  const found = ["pss", "imgaes", "insepct", "network sl", "completely-else", "pul"].map((word) =>
    nearest(word, words),
  );
  assert.deepEqual(found, ["ps", "images", "inspect", "network ls", undefined, "pull"]);
});
