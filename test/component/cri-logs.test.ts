import assert from "node:assert/strict";
import { readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ContainerState } from "#gen/runtime/v1/containers_pb.ts";
import { requireBinary, requireRoot } from "#test/support/require.ts";
import { openCriBed, type CriBed } from "./cri-bed.ts";

const lineCount = 100_000;
/** More than any reader's buffer. */
const longBytes = 40_000;
/** Every thousandth line is long, every tenth goes to stderr. */
const script = `
long=$(busybox head -c ${longBytes} /dev/zero | busybox tr '\\0' x)
i=0
while [ $i -lt ${lineCount} ]; do
  i=$((i+1))
  case $i in
    *000) echo $i $long;;
    *7) echo $i >&2;;
    *) echo $i;;
  esac
done
until [ -e /end ]; do sleep 0.1; done`;

test("100,000 lines through rotation: none lost, none doubled, long ones in parts", async (t) => {
  if (!requireRoot(t) || !requireBinary(t, "conmon", "docker-registry", "skopeo", "umoci")) return;
  await using bed = await openCriBed({ bridge: "frcrilogs0", subnet: "10.231.80.0/24" });
  const { runtime, images } = bed.v1;
  await images.pullImage({ image: { image: bed.image } });
  const { podSandboxId, containerId } = await startWriter(bed);
  const path = join(bed.logDirectory, "writer.log");
  const rotated: string[] = [];
  const isRunning = async () =>
    (await runtime.containerStatus({ containerId })).status?.state === ContainerState.CONTAINER_RUNNING;
  while (await isRunning()) {
    const to = `${path}.${rotated.length}`;
    await rename(path, to);
    rotated.push(to);
    await runtime.reopenContainerLog({ containerId }).catch(async (error: unknown) => {
      // What the kubelet does when it could not be: the log gets its name back.
      if (await isRunning()) throw error;
      await rename(rotated.pop() ?? "", path);
    });
    if (rotated.length === 10) await runtime.execSync({ containerId, cmd: ["touch", "/end"] });
    await sleep(20);
  }
  t.diagnostic(`${rotated.length} rotations`);
  const text = (await Promise.all([...rotated, path].map((file) => readFile(file, "utf8")))).join("");
  const parts = text.trimEnd().split("\n").map(parsePart);
  const wanted = Array.from({ length: lineCount }, (_, index) => index + 1);
  const isError = (line: number) => line % 10 === 7;
  const long = "x".repeat(longBytes);
  assert.deepEqual(joined(parts, "stderr"), wanted.filter(isError).map(String));
  assert.deepEqual(
    joined(parts, "stdout"),
    wanted.filter((line) => !isError(line)).map((line) => (line % 1000 === 0 ? `${line} ${long}` : String(line))),
  );
  assert.ok(parts.some(({ tag }) => tag === "P"));
  assert.ok(parts.every(({ body }) => Buffer.byteLength(body) <= 16 * 1024));
  await runtime.removePodSandbox({ podSandboxId });
});

async function startWriter({ v1: { runtime }, image, logDirectory }: CriBed) {
  const config = { metadata: { name: "writer", uid: "1", namespace: "default", attempt: 0 }, logDirectory };
  const { podSandboxId } = await runtime.runPodSandbox({ config });
  const container = {
    metadata: { name: "main", attempt: 0 },
    image: { image },
    command: ["sh", "-c", script],
    logPath: "writer.log",
  };
  const { containerId } = await runtime.createContainer({ podSandboxId, config: container });
  await runtime.startContainer({ containerId });
  return { podSandboxId, containerId };
}

type Part = { readonly stream: string; readonly tag: string; readonly body: string };

/** `<RFC 3339 with nanoseconds> <stream> <P or F> <text>`. Source: Kubernetes, design-proposals kubelet-cri-logging. */
function parsePart(line: string): Part {
  const match = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}(?:Z|[+-]\d\d:\d\d) (stdout|stderr) ([PF]) (.*)$/.exec(line);
  assert.ok(match, `no line of a log: ${line.slice(0, 100)}`);
  const [, stream = "", tag = "", body = ""] = match;
  return { stream, tag, body };
}

/** Whole lines of a stream: partial ones with what follows them. @throws when the last was not full */
function joined(parts: readonly Part[], stream: string): string[] {
  const lines: string[] = [];
  let begun = "";
  for (const part of parts) {
    if (part.stream !== stream) continue;
    begun += part.body;
    if (part.tag === "P") continue;
    lines.push(begun);
    begun = "";
  }
  assert.equal(begun, "");
  return lines;
}
