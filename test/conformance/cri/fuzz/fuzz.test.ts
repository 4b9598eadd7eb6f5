import assert from "node:assert/strict";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import type { DescMethod } from "@bufbuild/protobuf";
import { ImageService, RuntimeService } from "#gen/runtime/v1/services_pb.ts";
import { eventuallyEqual, settled } from "#test/support/eventually.ts";
import { openPodBed, type PodBed } from "#test/support/pod-bed.ts";
import { Random } from "#test/support/random.ts";
import { requireBinary, requireRoot } from "#test/support/require.ts";
import { malformedRequests } from "./malformed-requests.ts";
import { RawGrpc } from "./raw-grpc.ts";
import { Sender } from "./sender.ts";
import { closeVictim, openVictim, type Victim } from "./victim.ts";
import { sendGarbage } from "./garbage.ts";
import { goodRequest } from "./good-requests.ts";
import { withoutEachField } from "./missing-fields.ts";
import { spoil } from "./spoil.ts";

/** `FERRY_FUZZ_SEED=7 FERRY_FUZZ_FACTOR=20 FERRY_FUZZ_RUNTIME=runc`: other requests, more of them, another runtime. */
const seed = Number(process.env["FERRY_FUZZ_SEED"] ?? "1");
const factor = Number(process.env["FERRY_FUZZ_FACTOR"] ?? "1");
const runtime = process.env["FERRY_FUZZ_RUNTIME"] ?? "crun";

const versions = ["v1", "v1alpha2"] as const;
const methods = [RuntimeService, ImageService].flatMap((service) => service.methods);

test("no request crashes the daemon, hangs it or leaves anything behind", async (t) => {
  if (!requireRoot(t) || !requireBinary(t, "crun", "conmon", "docker-registry", "skopeo", "umoci")) return;
  await using bed = await openPodBed({ bridge: "frfuzz0", subnet: "10.231.87.0/24", runtime });
  await keepOffline(bed);
  // The first pod leaves what stays: the bridge, the plugins' chains.
  await closeVictim(bed, await openVictim(bed));
  const before = await settled(() => bed.state());
  const canaries = await plantCanaries(bed);
  const victim = await openVictim(bed);
  const { pid } = bed.ferry;

  await t.test("connections that speak something else", async () => {
    await sendGarbage(bed.socket, new Random(seed));
    assert.equal((await bed.v1.runtime.version({})).runtimeName, "ferry");
  });
  await t.test("frames and headers that are none", async () => await sendMalformed(bed));
  for (const version of versions)
    await t.test(
      `${version}: every field missing, one at a time`,
      async () => await sendPartial(bed, { version, victim }),
    );
  for (const version of versions)
    await t.test(
      `${version}: hostile fields in every request`,
      async (t) => await sendHostile(t, bed, { version, victim }),
    );
  await t.test("afterwards it is the same daemon, and nothing is left", async () => {
    const errors = (await bed.ferry.log()).split("\n").filter((line) => line.includes('"level":"error"'));
    assert.deepEqual(errors, []);
    assert.ok(process.kill(pid, 0));
    const { stdout } = await bed.v1.runtime.execSync({ containerId: victim.containerId, cmd: ["echo", "there"] });
    assert.equal(Buffer.from(stdout).toString(), "there\n");
    await closeVictim(bed, victim);
    assert.deepEqual((await bed.v1.runtime.listPodSandbox({})).items, []);
    assert.deepEqual((await bed.v1.runtime.listContainers({})).containers, []);
    await eventuallyEqual(() => bed.state(), before);
    assert.deepEqual(await canaries(), []);
  });
});

async function sendMalformed(bed: PodBed): Promise<void> {
  const wrong: string[] = [];
  for (const { title, request, expected } of malformedRequests) {
    // A connection of its own: what one of them breaks is not the next one's.
    using raw = new RawGrpc(bed.socket);
    const { http, grpc, message } = await raw.call(request);
    if (!expected(grpc, http)) wrong.push(`${title}: HTTP ${http}, gRPC ${grpc}: ${message}`);
  }
  assert.deepEqual(wrong, []);
}

type Round = { readonly version: (typeof versions)[number]; readonly victim: Victim };

/** Every request that would succeed, less one of its fields. */
async function sendPartial(bed: PodBed, round: Round): Promise<void> {
  using sender = new Sender(bed, round.version);
  let turn = 0;
  for (const method of methods) {
    const whole = goodRequest(method, round.victim, ++turn);
    for (const body of withoutEachField(method.input, whole)) await sender.send(method, body);
  }
  assert.deepEqual(sender.wrong, []);
}

async function sendHostile(t: TestContext, bed: PodBed, round: Round): Promise<void> {
  const random = new Random(seed + versions.indexOf(round.version) * 1_000_003);
  using sender = new Sender(bed, round.version);
  let turn = 0;
  for (const method of methods) {
    for (let count = turnsOf(method); count > 0; count--) {
      const good = random.next() < 0.9 ? goodRequest(method, round.victim, ++turn) : Buffer.alloc(0);
      const spoilt = Array.from({ length: 1 + random.below(2) }, () => spoil(method.input, random));
      await sender.send(method, Buffer.concat([good, ...spoilt]));
    }
  }
  t.diagnostic([...sender.counts].map(([code, count]) => `${count} × ${code}`).join(", "));
  assert.deepEqual(sender.wrong, []);
}

function turnsOf({ localName, input }: DescMethod): number {
  const weight =
    localName === "createContainer" ? 120 : localName === "runPodSandbox" ? 80 : 6 + input.fields.length * 4;
  return Math.ceil(weight * factor);
}

/** Names without a host would be asked for at Docker Hub. */
async function keepOffline({ ferry }: PodBed): Promise<void> {
  const directory = join(ferry.certificates, "docker.io");
  await mkdir(directory);
  await writeFile(join(directory, "hosts.toml"), `server = "http://127.0.0.1:1"\n`);
}

/** Answers, later, which files came to be or were changed though nobody may write there. */
async function plantCanaries({ logs, ferry }: PodBed): Promise<() => Promise<string[]>> {
  const canary = join(logs, "canary");
  await writeFile(canary, "sings");
  return async () => {
    const found: string[] = (await readFile(canary, "utf8")) === "sings" ? [] : [canary];
    for (const directory of [
      "/",
      "/etc",
      "/tmp",
      "/proc",
      "/dev",
      logs,
      join(logs, ".."),
      ferry.directory,
      ferry.root,
      ferry.state,
    ])
      for (const name of await readdir(directory)) if (/^escape|hidden$/.test(name)) found.push(join(directory, name));
    return found;
  };
}
