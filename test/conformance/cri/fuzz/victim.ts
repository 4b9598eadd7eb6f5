import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { NamespaceMode } from "#gen/runtime/v1/security_pb.ts";
import type { PodBed } from "#test/support/pod-bed.ts";

/** What a good request may name: a pod that is there with a container that runs. */
export type Victim = {
  readonly podSandboxId: string;
  readonly containerId: string;
  /** One that runs too, until limits that a request gives it end it. */
  readonly spareContainerId: string;
  readonly image: string;
  readonly logDirectory: string;
};

export async function openVictim({ v1: { runtime }, image, logs }: PodBed): Promise<Victim> {
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

export async function closeVictim({ v1: { runtime } }: PodBed, { podSandboxId }: Victim): Promise<void> {
  await runtime.stopPodSandbox({ podSandboxId });
  await runtime.removePodSandbox({ podSandboxId });
}
