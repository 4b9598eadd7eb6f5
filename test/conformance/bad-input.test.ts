import assert from "node:assert/strict";
import { createServer } from "node:net";
import { globSync } from "node:fs";
import { rmdir } from "node:fs/promises";
import test, { after, before, suite } from "node:test";
import { eventuallyEqual } from "#test/support/eventually.ts";
import { FerryBed, type Reply } from "#test/support/ferry-bed.ts";
import { fixtureImage, jsonBlob, type FixtureImage } from "#test/support/image-fixture.ts";
import { TestRegistry } from "#test/support/registry.ts";
import { openTestImages, type TestImages } from "#test/support/test-images.ts";
import { readSystemState } from "../crash/system-state.ts";

const isRoot = process.getuid?.() === 0;

type CommandCase = {
  readonly name: string;
  /** `IMAGE`, `BAD`, `PORT` and `NOBODY` stand for what the bed has. */
  readonly argv: string;
  readonly code: number;
  /** All of standard error; a next step is on the last line, behind two blanks. */
  readonly stderr: string;
};

const cgroupParent = `/ferry-bad-input-${process.pid}`;
const daemon = "Error response from daemon: ";
const startFailed = `${daemon}failed to create task for container: unable to start container process: `;

/** What a person types wrong, what comes back, and that there is a next step. */
const commandCases: readonly CommandCase[] = [
  {
    name: "unknown image",
    argv: "rmi nosuch",
    code: 1,
    stderr: `${daemon}No such image: nosuch:latest\n  see: ferry images.*`,
  },
  {
    name: "unknown tag",
    argv: "pull BAD/good:nosuch",
    code: 1,
    stderr: `${daemon}registry BAD: manifest good:nosuch: not found\n  check the name and the tag`,
  },
  {
    name: "unknown tag, run",
    argv: "run --rm BAD/good:nosuch",
    code: 125,
    stderr: `Unable to find image 'BAD/good:nosuch' locally\n${daemon}registry BAD: manifest good:nosuch: not found\n  check .*`,
  },
  {
    name: "uppercase reference",
    argv: "run UPPER",
    code: 125,
    stderr: `${daemon}invalid reference format.*must be lowercase\n  an image is .*`,
  },
  {
    name: "wrong digest",
    argv: "pull BAD/wrong:digest",
    code: 1,
    stderr: `ferry: .*BAD.*digest is sha256:.*\n  nothing was kept.*`,
  },
  {
    name: "truncated layer",
    argv: "pull BAD/cut:1",
    code: 1,
    stderr: `ferry: .*BAD.*connection ended early after \\d+ of \\d+ bytes\n  pull again.*`,
  },
  { name: "wrong DiffID", argv: "pull BAD/diff:1", code: 1, stderr: `ferry: .*sha256:.*\n  nothing was kept.*` },
  {
    name: "unreachable registry",
    argv: "pull NOBODY/x:1",
    code: 1,
    stderr: `${daemon}registry NOBODY: manifest x:1: connection refused\n  check the registry's name.*`,
  },
  {
    name: "name already used",
    argv: "run --name taken IMAGE true",
    code: 125,
    stderr: `${daemon}Conflict. The container name "/taken" is already in use by container "[0-9a-f]{64}".*\n  remove or rename that one.*`,
  },
  {
    name: "port already used by a container",
    argv: "run --rm -p 127.0.0.1:PORT:80 IMAGE true",
    code: 125,
    stderr: `${daemon}.*Bind for 127.0.0.1:PORT failed: port is already allocated.*taken.*\n  take another port.*`,
  },
  {
    name: "port already used by another program",
    argv: "run --rm -p 127.0.0.1:LISTENED:80 IMAGE true",
    code: 125,
    stderr: `${daemon}.*127.0.0.1:LISTENED.*(?:already allocated|in use).*\n  take another port.*`,
  },
  {
    name: "unknown network",
    argv: "run --rm --network nosuch IMAGE true",
    code: 125,
    stderr: `${daemon}network nosuch not found\n  see: ferry network ls`,
  },
  {
    name: "missing bind source",
    argv: "run --rm --mount type=bind,src=/nonexistent/x,dst=/x IMAGE true",
    code: 125,
    stderr: `${daemon}invalid mount config for type "bind": bind source path does not exist: /nonexistent/x\n  make it first: mkdir -p /nonexistent/x`,
  },
  {
    name: "bad user",
    argv: "run --rm --user nobodyhere IMAGE true",
    code: 125,
    stderr: `${daemon}unable to find user nobodyhere: no matching entries in passwd file\n  take one of .*`,
  },
  {
    name: "nothing to run",
    argv: "run --rm --entrypoint= IMAGE",
    code: 125,
    stderr: `${daemon}no command specified\n  say what to run.*`,
  },
  {
    name: "missing entrypoint",
    argv: "run --rm --entrypoint nosuch IMAGE",
    code: 127,
    stderr: `${startFailed}exec: "nosuch": executable file not found in \\$PATH.*\n  check the command.*`,
  },
  {
    name: "entrypoint that cannot be executed",
    argv: "run --rm IMAGE /etc",
    code: 126,
    stderr: `${startFailed}exec: "/etc": .*\n  it is no program.*`,
  },
  { name: "the container's own code", argv: "run --rm IMAGE sh -c exit\t42", code: 42, stderr: "" },
  {
    name: "unknown flag",
    argv: "run --bogus IMAGE",
    code: 125,
    stderr: `ferry: unknown flag: --bogus\n  ferry run --help`,
  },
  {
    name: "unknown command",
    argv: "rnu IMAGE",
    code: 1,
    stderr: `ferry: unknown command: ferry rnu\n  did you mean: ferry run`,
  },
  {
    name: "unknown container",
    argv: "stop nosuch",
    code: 1,
    stderr: `${daemon}No such container: nosuch\n  see: ferry ps -a`,
  },
  {
    name: "unknown volume",
    argv: "volume rm nosuch",
    code: 1,
    stderr: `${daemon}.*no such volume\n  see: ferry volume ls`,
  },
  { name: "bad port", argv: "run -p 99999:80 IMAGE", code: 125, stderr: `ferry: invalid port.*\n  .+` },
  {
    name: "too little memory",
    argv: "run -m 1k IMAGE",
    code: 125,
    stderr: `${daemon}Minimum memory limit.*\n  see: ferry run --help`,
  },
  {
    name: "bad subnet",
    argv: "network create --subnet 300.0.0.0/8 x",
    code: 1,
    stderr: `${daemon}invalid CIDR address: 300.0.0.0/8\n  .+`,
  },
];

type ApiCase = {
  readonly name: string;
  readonly request: readonly [method: string, path: string, body?: unknown, headers?: Record<string, string>];
  readonly status: number;
  readonly message: RegExp;
};

/** Docker's statuses and messages. */
const apiCases: readonly ApiCase[] = [
  {
    name: "unknown image",
    request: ["POST", "/v1.41/containers/create", { Image: "nosuch" }],
    status: 404,
    message: /^No such image: nosuch:latest$/,
  },
  {
    name: "malformed JSON",
    request: ["POST", "/v1.41/containers/create", "{nope"],
    status: 400,
    message: /^invalid JSON: /,
  },
  { name: "no object", request: ["POST", "/v1.41/containers/create", "[]"], status: 400, message: /not an object/ },
  {
    name: "wrong type",
    request: ["POST", "/v1.41/containers/create", { Image: 7 }],
    status: 400,
    message: /^invalid JSON: Image: is not a string$/,
  },
  {
    name: "no body",
    request: ["POST", "/v1.41/containers/create", ""],
    status: 400,
    message: /^config cannot be empty in order to create a container$/,
  },
  {
    name: "oversized body",
    request: ["POST", "/v1.41/containers/create", { Image: "x".repeat(17 << 20) }],
    status: 400,
    message: /larger than \d+ bytes/,
  },
  {
    name: "wrong content type",
    request: ["POST", "/v1.41/containers/create", "{}", { "content-type": "text/plain" }],
    status: 400,
    message: /^unsupported Content-Type header \(text\/plain\)/,
  },
  {
    name: "bad name",
    request: ["POST", "/v1.41/containers/create?name=a*b", { Image: "IMAGE" }],
    status: 400,
    message: /^Invalid container name \(a\*b\)/,
  },
  {
    name: "name already used",
    request: ["POST", "/v1.41/containers/taken/rename?name=taken"],
    status: 400,
    message: /name/i,
  },
  {
    name: "unknown container",
    request: ["POST", "/v1.41/containers/nosuch/start"],
    status: 404,
    message: /^No such container: nosuch$/,
  },
  {
    name: "remove what runs",
    request: ["DELETE", "/v1.41/containers/taken"],
    status: 409,
    message: /cannot remove container/i,
  },
  {
    name: "unknown network",
    request: ["DELETE", "/v1.41/networks/nosuch"],
    status: 404,
    message: /^network nosuch not found$/,
  },
  { name: "unknown volume", request: ["DELETE", "/v1.41/volumes/nosuch"], status: 404, message: /no such volume$/ },
  { name: "unknown route", request: ["GET", "/v1.41/nothing"], status: 404, message: /^page not found$/ },
  { name: "what is not there", request: ["POST", "/v1.41/build"], status: 501, message: /build/ },
  {
    name: "too new a client",
    request: ["GET", "/v1.99/info"],
    status: 400,
    message: /^client version 1\.99 is too new\. /,
  },
  {
    name: "too old a client",
    request: ["GET", "/v1.12/info"],
    status: 400,
    message: /^client version 1\.12 is too old\. /,
  },
];

suite("bad input changes nothing", { skip: isRoot ? false : "needs root", timeout: 1_000_000 }, () => {
  const undo = new AsyncDisposableStack();
  let [ferry, images, bad]: [FerryBed?, TestImages?, TestRegistry?] = [];
  const listener = createServer().listen(0, "127.0.0.1");
  let words: Record<string, string> = {};
  const port = () => {
    const address = listener.address();
    return String(typeof address === "object" ? address?.port : 0);
  };

  before(async () => {
    undo.defer(() => void listener.close());
    images = undo.use(await openTestImages());
    bad = undo.use(await TestRegistry.start());
    undo.defer(removeCgroups);
    ferry = undo.use(
      await FerryBed.open({ config: `[runtime]\ncgroup_driver = "cgroupfs"\ncgroup_parent = "${cgroupParent}"` }),
    );
    await breakRegistry(bad);
    await ferry.run("pull", "-q", images.small);
    await ferry.run("run", "-d", "--name", "taken", "-p", "127.0.0.1::80", images.small, "sleep", "1000");
    const published = (await ferry.run("port", "taken", "80")).split(":")[1] ?? "";
    words = { IMAGE: images.small, BAD: bad.host, PORT: published, LISTENED: port(), NOBODY: "127.0.0.1:1" };
  });
  after(async () => {
    await ferry?.run("rm", "-f", "taken");
    await undo.disposeAsync();
  });

  const fill = (text: string) => text.replace(/\b(?:IMAGE|BAD|PORT|LISTENED|NOBODY)\b/g, (name) => words[name] ?? name);

  for (const { name, argv, code, stderr } of commandCases) {
    test(`ferry: ${name}`, async () => {
      assert.ok(ferry !== undefined);
      const was = await stateOf(ferry);
      const answer = await ferry.ferry(
        fill(argv)
          .split(" ")
          .map((word) => word.replaceAll("\t", " ")),
      );
      assert.match(answer.stderr, new RegExp(`^${fill(stderr)}${stderr === "" ? "" : "\n"}$`));
      assert.equal(answer.code, code);
      await settlesAt(ferry, was);
    });
  }

  for (const { name, request, status, message } of apiCases) {
    test(`API: ${name}`, async () => {
      assert.ok(ferry !== undefined);
      const was = await stateOf(ferry);
      const [method, path, body, headers] = request;
      const sent = typeof body === "object" ? fill(JSON.stringify(body)) : body;
      const reply = await ferry.api(method, path, sent, headers);
      assert.match(messageOf(reply), message);
      assert.equal(reply.status, status);
      await settlesAt(ferry, was);
    });
  }
});

/** Images that a registry should not have. */
async function breakRegistry(registry: TestRegistry): Promise<void> {
  const image = async (text: string) => await fixtureImage({ layers: [{ file: text.repeat(1000) }] });
  registry.add("good", "1", await image("good"));
  registry.add("wrong", "digest", await image("wrong"));
  registry.faults.push({ match: /GET .*wrong\/blobs/, times: 1000, act: { t: "corrupt" } });
  const cut = await image("cut");
  registry.add("cut", "1", { ...cut, blobs: cut.blobs.map((blob, at) => (at === 0 ? blob : truncated(blob))) });
  registry.add("diff", "1", await withWrongDiffId(await image("diff")));
}

function truncated(blob: FixtureImage["manifest"]): FixtureImage["manifest"] {
  return { ...blob, bytes: blob.bytes.subarray(0, blob.bytes.length >> 1) };
}

async function withWrongDiffId({ manifest, blobs }: FixtureImage): Promise<FixtureImage> {
  const [config, ...layers] = blobs;
  assert.ok(config !== undefined);
  const said = JSON.parse(config.bytes.toString()) as { rootfs: { diff_ids: string[] } };
  said.rootfs.diff_ids = said.rootfs.diff_ids.map(() => `sha256:${"0".repeat(64)}`);
  const wrong = jsonBlob(config.mediaType, said);
  const parts = JSON.parse(manifest.bytes.toString()) as { config: object };
  const entry = { ...parts.config, digest: wrong.digest, size: wrong.bytes.length };
  return { manifest: jsonBlob(manifest.mediaType, { ...parts, config: entry }), blobs: [wrong, ...layers] };
}

function messageOf({ body }: Reply): string {
  return typeof body === "object" && body !== null && "message" in body ? String(body.message) : JSON.stringify(body);
}

/** All that a failed request could have left: what lists show and what the machine holds of this daemon. */
async function stateOf(ferry: FerryBed): Promise<unknown> {
  const lists = ["containers/json?all=1", "images/json?all=1", "networks", "volumes"];
  const replies = await Promise.all(lists.map(async (list) => await ferry.api("GET", `/v1.41/${list}`)));
  const system = await readSystemState({ root: ferry.root, state: ferry.state, cgroupParent });
  // What came of a layer before its connection ended waits for the next pull.
  return { shown: replies.map(namesIn), system: { ...system, ingests: [] } };
}

/** The members that tell one thing from another; sizes and times go on by themselves. */
function namesIn({ body }: Reply): readonly string[] {
  return JSON.stringify(body).match(/"(?:Id|Names|RepoTags|Name|State)":(?:"[^"]*"|\[[^\]]*\])/g) ?? [];
}

async function removeCgroups(): Promise<void> {
  for (const path of globSync(`/sys/fs/cgroup{,/*}${cgroupParent}`)) await rmdir(path);
}

/** Collection of what was refused may take a moment. */
async function settlesAt(ferry: FerryBed, was: unknown): Promise<void> {
  await eventuallyEqual(async () => await stateOf(ferry), was);
}
