import assert from "node:assert/strict";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { fromBinary, type DescMethod } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { CreateContainerResponseSchema } from "#gen/runtime/v1/containers_pb.ts";
import { RunPodSandboxResponseSchema } from "#gen/runtime/v1/sandboxes_pb.ts";
import { NamespaceMode } from "#gen/runtime/v1/security_pb.ts";
import { ImageService, RuntimeService } from "#gen/runtime/v1/services_pb.ts";
import { openPodBed, type PodBed } from "#test/support/pod-bed.ts";
import { Random } from "#test/support/random.ts";
import { requireBinary, requireRoot } from "#test/support/require.ts";
import { malformedRequests } from "./malformed-requests.ts";
import { frame, RawGrpc, type RawAnswer } from "./raw-grpc.ts";
import { goodRequest, type Victim } from "./good-requests.ts";
import { spoil } from "./spoil.ts";

/** `FERRY_FUZZ_SEED=7 FERRY_FUZZ_FACTOR=20`: other requests, and more of them. */
const seed = Number(process.env["FERRY_FUZZ_SEED"] ?? "1");
const factor = Number(process.env["FERRY_FUZZ_FACTOR"] ?? "1");

/** What a hostile request may be answered with; internal and unknown would be a mistake of ours, canceled a lie. */
const fineCodes = new Set<number>([
  0,
  Code.InvalidArgument,
  Code.DeadlineExceeded,
  Code.NotFound,
  Code.AlreadyExists,
  Code.PermissionDenied,
  Code.ResourceExhausted,
  Code.FailedPrecondition,
  Code.OutOfRange,
  Code.Unimplemented,
  Code.Unavailable,
]);

const versions = ["v1", "v1alpha2"] as const;
const services = [RuntimeService, ImageService] as const;

test("no request crashes the daemon, hangs it or leaves anything behind", async (t) => {
  if (!requireRoot(t) || !requireBinary(t, "conmon", "docker-registry", "skopeo", "umoci")) return;
  await using bed = await openPodBed({ bridge: "frfuzz0", subnet: "10.231.81.0/24" });
  await keepOffline(bed);
  // The first pod leaves what stays: the bridge, the plugins' chains.
  await closeVictim(bed, await openVictim(bed));
  const before = await bed.state();
  const canaries = await plantCanaries(bed);
  const victim = await openVictim(bed);
  const { pid } = bed.ferry;

  await t.test("frames and headers that are none", async () => await sendMalformed(bed));
  for (const version of versions)
    await t.test(
      `${version}: hostile fields in every request`,
      async (t) => await sendHostile(t, bed, { version, victim }),
    );
  await t.test("afterwards it is the same daemon, and nothing is left", async () => {
    const errors = (await bed.ferry.log()).split("\n").filter((line) => line.includes('"level":"error"'));
    assert.deepEqual(errors, []);
    assert.equal(bed.ferry.pid, pid);
    const { stdout } = await bed.v1.runtime.execSync({ containerId: victim.containerId, cmd: ["echo", "there"] });
    assert.equal(Buffer.from(stdout).toString(), "there\n");
    await closeVictim(bed, victim);
    assert.deepEqual((await bed.v1.runtime.listPodSandbox({})).items, []);
    assert.deepEqual((await bed.v1.runtime.listContainers({})).containers, []);
    assert.deepEqual(await bed.state(), before);
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

async function sendHostile(t: TestContext, bed: PodBed, { version, victim }: Round): Promise<void> {
  const random = new Random(seed + versions.indexOf(version) * 1_000_003);
  using raw = new RawGrpc(bed.socket);
  const wrong: string[] = [];
  const counts = new Map<string, number>();
  let turn = 0;
  for (const service of services) {
    for (const method of service.methods) {
      for (let count = turnsOf(method); count > 0; count--) {
        const body = Buffer.concat([
          random.next() < 0.9 ? goodRequest(method, victim, ++turn) : Buffer.alloc(0),
          ...Array.from({ length: 1 + random.below(2) }, () => spoil(method.input, random)),
        ]);
        const path = `/${service.typeName.replace(/\.v1\./, `.${version}.`)}/${method.name}`;
        const endless = method.localName === "getContainerEvents" ? { leaveAfterMs: 50 } : {};
        const answer = await raw.call({ path, body: frame(body), ...endless });
        const code = Object.keys(endless).length > 0 ? (answer.grpc ?? 0) : answer.grpc;
        counts.set(String(code), (counts.get(String(code)) ?? 0) + 1);
        const why = fineCodes.has(code ?? -1) ? await follow(bed, method, answer) : undefined;
        if (why !== undefined || !fineCodes.has(code ?? -1))
          wrong.push(
            `${method.name}: ${why ?? `${code}: ${answer.message}`}: ${body.toString("base64").slice(0, 400)}`,
          );
      }
    }
  }
  t.diagnostic([...counts].map(([code, count]) => `${count} × ${code}`).join(", "));
  assert.deepEqual(wrong, []);
}

function turnsOf({ localName, input }: DescMethod): number {
  const weight =
    localName === "createContainer" ? 120 : localName === "runPodSandbox" ? 80 : 6 + input.fields.length * 4;
  return Math.ceil(weight * factor);
}

/** What was made is used and taken away; answers what is wrong with that. */
async function follow(bed: PodBed, { localName }: DescMethod, { grpc, body }: RawAnswer): Promise<string | undefined> {
  if (grpc !== 0) return undefined;
  const { runtime } = bed.v1;
  if (localName === "runPodSandbox") {
    const { podSandboxId } = fromBinary(RunPodSandboxResponseSchema, body);
    return await refusal(async () => {
      await runtime.podSandboxStatus({ podSandboxId, verbose: true });
      await runtime.removePodSandbox({ podSandboxId });
    });
  }
  if (localName !== "createContainer") return undefined;
  const { containerId } = fromBinary(CreateContainerResponseSchema, body);
  const started = await refusal(async () => void (await runtime.startContainer({ containerId })));
  const removed = await refusal(async () => {
    await runtime.containerStatus({ containerId, verbose: true });
    await runtime.removeContainer({ containerId });
  });
  return started ?? removed;
}

/** An error that is not fine, as text. */
async function refusal(work: () => Promise<void>): Promise<string | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    const code: unknown = error instanceof Error && "code" in error ? error.code : undefined;
    return typeof code === "number" && fineCodes.has(code) ? undefined : String(error);
  }
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

async function openVictim({ v1: { runtime }, image, logs }: PodBed): Promise<Victim> {
  const logDirectory = join(logs, "victim");
  await mkdir(logDirectory, { recursive: true });
  const config = {
    metadata: { name: "victim", uid: "victim", namespace: "default", attempt: 0 },
    logDirectory,
    linux: { securityContext: { namespaceOptions: { pid: NamespaceMode.CONTAINER } } },
  };
  const { podSandboxId } = await runtime.runPodSandbox({ config });
  const start = async (name: string) => {
    const container = {
      metadata: { name, attempt: 0 },
      image: { image },
      command: ["sleep", "100000"],
      logPath: `${name}.log`,
      linux: { securityContext: { namespaceOptions: { pid: NamespaceMode.CONTAINER } } },
    };
    const { containerId } = await runtime.createContainer({ podSandboxId, config: container });
    await runtime.startContainer({ containerId });
    return containerId;
  };
  const [containerId, spareContainerId] = [await start("victim"), await start("spare")];
  return { podSandboxId, containerId, spareContainerId, image, logDirectory };
}

async function closeVictim({ v1: { runtime } }: PodBed, { podSandboxId }: Victim): Promise<void> {
  await runtime.stopPodSandbox({ podSandboxId });
  await runtime.removePodSandbox({ podSandboxId });
}
