import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import type { CriClient } from "#test/support/cri-client.ts";
import { ContainerConfigSchema } from "#gen/runtime/v1/containers_pb.ts";
import { PodSandboxConfigSchema } from "#gen/runtime/v1/sandboxes_pb.ts";
import { NamespaceMode } from "#gen/runtime/v1/security_pb.ts";

/** In the order of a pod's life. */
export const operations = [
  "RunPodSandbox",
  "CreateContainer",
  "StartContainer",
  "ExecSync",
  "StopContainer",
  "RemoveContainer",
  "StopPodSandbox",
  "RemovePodSandbox",
] as const;

/** What one RPC took, in milliseconds. */
export type Note = (operation: (typeof operations)[number], ms: number) => void;

export type PodPlan = { readonly name: string; readonly image: string; readonly logRoot: string };
export type RunningPod = { readonly podSandboxId: string; readonly containerId: string };

/** A pod with a network of its own and one container that sleeps, as a kubelet asks for it. */
export async function bringUp({ runtime }: CriClient, plan: PodPlan, note: Note): Promise<RunningPod> {
  const { name, image, logRoot } = plan;
  const linux = { securityContext: { namespaceOptions: { pid: NamespaceMode.CONTAINER } } };
  const sandboxConfig = create(PodSandboxConfigSchema, {
    metadata: { name, uid: name, namespace: "bench", attempt: 0 },
    hostname: name,
    logDirectory: join(logRoot, name),
    linux,
  });
  const config = create(ContainerConfigSchema, {
    metadata: { name: "c", attempt: 0 },
    image: { image, userSpecifiedImage: image },
    command: ["sleep", "100000"],
    logPath: "c.log",
    linux,
  });
  const { podSandboxId } = await timed(note, "RunPodSandbox", () => runtime.runPodSandbox({ config: sandboxConfig }));
  const { containerId } = await timed(note, "CreateContainer", () =>
    runtime.createContainer({ podSandboxId, config, sandboxConfig }),
  );
  await timed(note, "StartContainer", () => runtime.startContainer({ containerId }));
  return { podSandboxId, containerId };
}

/** @throws when the answer is not what the command prints */
export async function execEcho({ runtime }: CriClient, { containerId }: RunningPod, note: Note): Promise<void> {
  const answer = await timed(note, "ExecSync", () =>
    runtime.execSync({ containerId, cmd: ["echo", "hello"], timeout: 10n }),
  );
  const said = Buffer.from(answer.stdout).toString();
  if (said !== "hello\n") throw new Error(`ExecSync said ${JSON.stringify(said)}`);
}

/** `sleep` as first process does not hear SIGTERM, so it is killed at once: the wait would not be the runtime's. */
export async function takeDown({ runtime }: CriClient, pod: RunningPod, note: Note): Promise<void> {
  const { podSandboxId, containerId } = pod;
  await timed(note, "StopContainer", () => runtime.stopContainer({ containerId, timeout: 0n }));
  await timed(note, "RemoveContainer", () => runtime.removeContainer({ containerId }));
  await timed(note, "StopPodSandbox", () => runtime.stopPodSandbox({ podSandboxId }));
  await timed(note, "RemovePodSandbox", () => runtime.removePodSandbox({ podSandboxId }));
}

async function timed<T>(note: Note, operation: (typeof operations)[number], work: () => Promise<T>): Promise<T> {
  const start = performance.now();
  const answer = await work();
  note(operation, performance.now() - start);
  return answer;
}
