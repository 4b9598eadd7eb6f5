import assert from "node:assert/strict";
import test from "node:test";
import { drawProgress, formatBar } from "./progress.ts";
import { familiarName, registryOf, splitReference } from "./image-name.ts";
import type { ProgressMessage } from "#clients/docker/wire-types.ts";

async function draw(messages: ProgressMessage[], terminal: boolean, columns = 80): Promise<string> {
  let text = "";
  const stream = (async function* () {
    yield* messages;
  })();
  await drawProgress(stream, { terminal, columns: () => columns, write: (part) => (text += part) });
  return text;
}

const layer = (id: string, status: string, current?: number, total?: number): ProgressMessage => ({
  id,
  status,
  ...(current === undefined ? {} : { progressDetail: { current, total: total ?? 0 } }),
});

const pull = [
  { id: "latest", status: "Pulling from library/alpine" },
  layer("aaa", "Pulling fs layer"),
  layer("bbb", "Pulling fs layer"),
  layer("aaa", "Downloading", 500, 1000),
  layer("aaa", "Pull complete"),
  layer("bbb", "Pull complete"),
  { status: "Digest: sha256:00" },
];

test("without a terminal: a line per change, no bars", async () => {
  assert.equal(
    await draw(pull, false),
    [
      "latest: Pulling from library/alpine",
      "aaa: Pulling fs layer",
      "bbb: Pulling fs layer",
      "aaa: Pull complete",
      "bbb: Pull complete",
      "Digest: sha256:00",
      "",
    ].join("\n"),
  );
});

test("on a terminal: a row per layer, redrawn in place", async () => {
  const screen = playBack(await draw(pull, true));
  assert.deepEqual(screen, [
    "latest: Pulling from library/alpine",
    "aaa: Pull complete",
    "bbb: Pull complete",
    "Digest: sha256:00",
    "",
  ]);
});

test("no line is wider than the terminal", async () => {
  for (const columns of [20, 40, 80, 200]) {
    const screen = playBack(await draw([layer("a".repeat(12), "Downloading", 5e6, 1e7)], true, columns));
    assert.ok((screen[0]?.length ?? 0) <= columns, `${columns}: ${screen[0] ?? ""}`);
  }
});

test("bars", () => {
  const bar = (current: number, total: number, width: number) =>
    formatBar({ progressDetail: { current, total } }, width);
  assert.equal(bar(500, 1000, 200), `[${"=".repeat(25)}>${" ".repeat(25)}]     500B/1kB`);
  assert.equal(bar(0, 0, 80), "");
  assert.equal(bar(12_345_678, 0, 80), " 12.35MB");
  assert.equal(bar(500, 1000, 20), "500B/1kB");
});

test("an error ends it with the server's text and a next step", async () => {
  const messages = [{ errorDetail: { message: "pull access denied" }, error: "pull access denied" }];
  await assert.rejects(draw(messages, false), { message: "pull access denied", next: "log in: ferry login REGISTRY" });
});

test("names", () => {
  assert.deepEqual(["alpine", "alpine:3", "localhost:5000/a", "a@sha256:0"].map(familiarName), [
    "alpine:latest",
    "alpine:3",
    "localhost:5000/a:latest",
    "a@sha256:0",
  ]);
  assert.deepEqual(["alpine", "a/b", "docker.io/a/b", "localhost/a", "r.io/a", "r:5000/a"].map(registryOf), [
    ...Array<string>(3).fill("https://index.docker.io/v1/"),
    "localhost",
    "r.io",
    "r:5000",
  ]);
  assert.deepEqual(splitReference("r:5000/a"), { repository: "r:5000/a", tag: undefined });
  assert.deepEqual(splitReference("r:5000/a:1@sha256:0"), { repository: "r:5000/a", tag: "sha256:0" });
});

/** What a terminal shows after `text`: newline, carriage return, cursor up and down, erase line. */
function playBack(text: string): string[] {
  const rows: string[] = [""];
  let row = 0;
  for (const [part] of text.matchAll(/\x1b\[(\d+)A|\x1b\[(\d+)B|\x1b\[2K|\r|\n|[^\x1b\r\n]+/g)) {
    const move = /^\x1b\[(\d+)([AB])$/.exec(part);
    if (move !== null) row += Number(move[1]) * (move[2] === "A" ? -1 : 1);
    else if (part === "\x1b[2K") rows[row] = "";
    else if (part === "\n") rows[++row] ??= "";
    else if (part !== "\r") rows[row] += part;
  }
  return rows;
}
