import assert from "node:assert/strict";
import type { DescMessage, MessageInitShape } from "@bufbuild/protobuf";
import { type Code, ConnectError } from "@connectrpc/connect";
import {
  ContainerState,
  type ContainerConfigSchema,
  type ContainerStatus,
  type LinuxContainerConfigSchema,
} from "#gen/runtime/v1/containers_pb.ts";
import type { PodSandboxConfigSchema } from "#gen/runtime/v1/sandboxes_pb.ts";
import {
  NamespaceMode,
  type LinuxContainerSecurityContextSchema,
  type NamespaceOptionSchema,
} from "#gen/runtime/v1/security_pb.ts";
import type { CriClient, CriVersion } from "#test/support/cri-client.ts";
import type { PodBed } from "#test/support/pod-bed.ts";
import { eventually } from "#test/support/eventually.ts";

/** What a message is made from, which is not the message itself. */
type Init<D extends DescMessage> = Exclude<MessageInitShape<D>, { readonly $typeName: string }>;

export type PodConfig = Init<typeof PodSandboxConfigSchema>;
export type ContainerConfig = Init<typeof ContainerConfigSchema>;
export type LinuxConfig = Init<typeof LinuxContainerConfigSchema>;
export type SecurityContext = Init<typeof LinuxContainerSecurityContextSchema>;

/** One thing that a kubelet may rely on. */
export type Case = { readonly title: string; readonly run: (kubelet: Kubelet) => Promise<void> };

/** A kubelet with the pods of one case: what is left out of a configuration is as quick as can be. Disposing removes them. */
export class Kubelet implements AsyncDisposable {
  readonly bed: PodBed;
  readonly runtime: CriClient["runtime"];
  readonly images: CriClient["images"];
  readonly #name: string;
  readonly #pods: string[] = [];
  #containers = 0;

  constructor(bed: PodBed, version: CriVersion, name: string) {
    this.bed = bed;
    this.runtime = bed[version].runtime;
    this.images = bed[version].images;
    this.#name = name;
  }

  /** In the host's network, where `namespaces` does not say otherwise; answers its id. */
  async pod(
    config: PodConfig = {},
    namespaces: Init<typeof NamespaceOptionSchema> = {},
    runtimeHandler = "",
  ): Promise<string> {
    const options = { network: NamespaceMode.NODE, pid: NamespaceMode.CONTAINER, ...namespaces };
    const { podSandboxId } = await this.runtime.runPodSandbox({
      runtimeHandler,
      config: {
        metadata: { name: this.#name, uid: `${this.#name}-${this.#pods.length}`, namespace: "default", attempt: 0 },
        logDirectory: this.bed.logs,
        linux: { securityContext: { namespaceOptions: options } },
        ...config,
      },
    });
    this.#pods.push(podSandboxId);
    return podSandboxId;
  }

  /** In a network of its own. */
  async networkedPod(config: PodConfig = {}): Promise<string> {
    return await this.pod(config, { network: NamespaceMode.POD });
  }

  /** One that sleeps, where `config` does not say otherwise. */
  async create(podSandboxId: string, config: ContainerConfig = {}): Promise<string> {
    const attempt = this.#containers++;
    const { containerId } = await this.runtime.createContainer({
      podSandboxId,
      config: {
        metadata: { name: "main", attempt },
        image: { image: this.bed.image },
        command: ["sleep", "1000"],
        logPath: `${this.#name}-${attempt}.log`,
        linux: security({}),
        ...config,
      },
    });
    return containerId;
  }

  async start(podSandboxId: string, config: ContainerConfig = {}): Promise<string> {
    const containerId = await this.create(podSandboxId, config);
    await this.runtime.startContainer({ containerId });
    return containerId;
  }

  /** A container that sleeps in a pod of its own. */
  async run(config: ContainerConfig = {}): Promise<string> {
    return await this.start(await this.pod(), config);
  }

  /** What a shell script in a container says, trimmed. @throws when it fails */
  async shell(containerId: string, script: string): Promise<string> {
    const { stdout, stderr, exitCode } = await this.runtime.execSync({ containerId, cmd: ["sh", "-c", script] });
    assert.equal(exitCode, 0, `${script}: ${Buffer.from(stderr).toString()}`);
    return Buffer.from(stdout).toString().trim();
  }

  async status(containerId: string): Promise<ContainerStatus> {
    const { status } = await this.runtime.containerStatus({ containerId });
    assert.ok(status);
    return status;
  }

  /** Waits for the end of a container. */
  async exited(containerId: string): Promise<ContainerStatus> {
    const isOver = async () => (await this.status(containerId)).state === ContainerState.CONTAINER_EXITED;
    await eventually("exited", isOver);
    return await this.status(containerId);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const podSandboxId of this.#pods) {
      await this.runtime.stopPodSandbox({ podSandboxId });
      await this.runtime.removePodSandbox({ podSandboxId });
    }
  }
}

/** `linux` of a container with a PID namespace of its own. */
export function security(context: SecurityContext): LinuxConfig {
  return { securityContext: { namespaceOptions: { pid: NamespaceMode.CONTAINER }, ...context } };
}

/** Asserts that a call is refused with one of the codes. */
export async function refused(work: Promise<unknown>, ...codes: Code[]): Promise<void> {
  await assert.rejects(work, (error) => {
    assert.ok(error instanceof ConnectError, String(error));
    assert.ok(codes.includes(error.code), String(error));
    return true;
  });
}
