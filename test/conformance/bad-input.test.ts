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
import { apiCases, commandCases } from "./bad-input-cases.ts";

const isRoot = process.getuid?.() === 0;

const cgroupParent = `/ferry-bad-input-${process.pid}`;

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
