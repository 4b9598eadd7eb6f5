import { fromBinary, type DescMethod } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { CreateContainerResponseSchema } from "#gen/runtime/v1/containers_pb.ts";
import { RunPodSandboxResponseSchema } from "#gen/runtime/v1/sandboxes_pb.ts";
import type { PodBed } from "#test/support/pod-bed.ts";
import { frame, RawGrpc, type RawAnswer } from "./raw-grpc.ts";

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

/** Sends requests of one version, and takes away what comes of them. */
export class Sender implements Disposable {
  /** What is wrong with which request. */
  readonly wrong: string[] = [];
  /** Answers by their code. */
  readonly counts = new Map<number | undefined, number>();
  readonly #bed: PodBed;
  readonly #version: string;
  readonly #raw: RawGrpc;

  constructor(bed: PodBed, version: string) {
    this.#bed = bed;
    this.#version = version;
    this.#raw = new RawGrpc(bed.socket);
  }

  async send(method: DescMethod, body: Uint8Array): Promise<void> {
    const path = `/${method.parent.typeName.replace(/\.v1\./, `.${this.#version}.`)}/${method.name}`;
    const endless = method.localName === "getContainerEvents";
    const answer = await this.#raw.call({ path, body: frame(body), ...(endless && { leaveAfterMs: 50 }) });
    const code = answer.grpc ?? (endless ? 0 : undefined);
    this.counts.set(code, (this.counts.get(code) ?? 0) + 1);
    const fine = code !== undefined && fineCodes.has(code);
    const why = fine ? await follow(this.#bed, method, answer) : `${code}: ${answer.message}`;
    const request = Buffer.from(body).toString("base64").slice(0, 400);
    if (why !== undefined) this.wrong.push(`${method.name}: ${why}: ${request}`);
  }

  [Symbol.dispose](): void {
    this.#raw[Symbol.dispose]();
  }
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
