import { JsonReader } from "#base/json-reader.ts";

/** A pod as a kubelet reads it, of one container. */
export type PodSpec = {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly hostNetwork: boolean;
  readonly container: string;
  readonly image: string;
  /** Although it is there. */
  readonly isPulledAnew: boolean;
  /** Names of Secrets. */
  readonly pullSecrets: readonly string[];
  readonly command: readonly string[];
  readonly readinessExec: readonly string[] | undefined;
  /** Undefined: the image's own. */
  readonly user: number | undefined;
  /** It shares the machine's processes. */
  readonly hostPid: boolean;
  readonly isPrivileged: boolean;
  /** It has asked for a GPU. */
  readonly hasGpu: boolean;
  readonly runtimeClass: string | undefined;
  /** What ends is started again. */
  readonly isRestarted: boolean;
  /** It has run to its end, by its status. */
  readonly isFinished: boolean;
  /** It has been asked to go. */
  readonly isDeleted: boolean;
  readonly isStatic: boolean;
};

export function readPod(value: unknown, isStatic = false): PodSpec {
  const pod = new JsonReader(value, "pod");
  const [metadata, spec] = [pod.at("metadata"), pod.at("spec")];
  const container = spec.at("containers").list(10)[0] ?? spec.fail("has no containers");
  const probe = container.at("readinessProbe").at("exec").at("command");
  return {
    namespace: metadata.at("namespace").optionalString() ?? "default",
    name: metadata.at("name").string(),
    uid: metadata.at("uid").optionalString() ?? `static-${metadata.at("name").string()}`,
    hostNetwork: spec.at("hostNetwork").boolean(),
    container: container.at("name").string(),
    image: container.at("image").string(),
    isPulledAnew: container.at("imagePullPolicy").optionalString() === "Always",
    pullSecrets: spec
      .at("imagePullSecrets")
      .list(10)
      .map((secret) => secret.at("name").string()),
    command: container.at("command").strings(100),
    readinessExec: probe.isPresent ? probe.strings(100) : undefined,
    user: container.at("securityContext").at("runAsUser").optionalNumber(),
    hostPid: spec.at("hostPID").boolean(),
    isPrivileged: container.at("securityContext").at("privileged").boolean(),
    hasGpu: container.at("resources").at("limits").at("nvidia.com/gpu").isPresent,
    runtimeClass: spec.at("runtimeClassName").optionalString(),
    isRestarted: spec.at("restartPolicy").optionalString() !== "Never",
    isFinished: ["Succeeded", "Failed"].includes(pod.at("status").at("phase").optionalString() ?? ""),
    isDeleted: metadata.at("deletionTimestamp").isPresent,
    isStatic,
  };
}

/** Why a pod does not come up, in a kubelet's word. */
export class PodFailure extends Error {
  readonly reason: string;

  constructor(reason: string, cause: unknown) {
    super(String(cause), { cause });
    this.reason = reason;
  }

  /** What `step` rejects with, for `reason`. */
  static async of<T>(
    reason: "ErrImagePull" | "CreateContainerError" | "RunContainerError",
    step: Promise<T>,
  ): Promise<T> {
    return await step.catch((cause: unknown) => {
      throw new PodFailure(reason, cause);
    });
  }
}

/** A pod that a runtime has. */
export type RuntimePod = {
  readonly uid: string;
  readonly sandboxId: string;
  readonly containerId: string;
  readonly isRunning: boolean;
  /** Its container has ended by itself. */
  readonly hasEnded: boolean;
};

/** What a device plugin gives a container that has asked for a GPU. */
export const gpuVariable = { name: "NVIDIA_VISIBLE_DEVICES", value: "0" };

/** A user of a registry. */
export type Login = { readonly username: string; readonly password: string };

/** What a kubelet looks up for a pod. */
export type PodNeeds = {
  /** As its RuntimeClass names it; empty without one. */
  readonly handler: string;
  /** For its image, by its Secrets. */
  readonly login: Login | undefined;
};

/** What a kubelet does through a runtime. */
export type PodRuntime = {
  /** As a node reports it: `containerd://1.6.20`. */
  readonly version: () => Promise<string>;
  readonly list: () => Promise<RuntimePod[]>;
  readonly start: (pod: PodSpec, found: PodNeeds) => Promise<void>;
  readonly stop: (pod: RuntimePod) => Promise<void>;
  /** Of a container that has ended. */
  readonly exitCode: (pod: RuntimePod) => Promise<number>;
  /** Exit code. */
  readonly exec: (pod: RuntimePod, command: readonly string[]) => Promise<number>;
  readonly log: (pod: RuntimePod) => Promise<string>;
  /** Where the streams of a command with its output are to be had, for one use. */
  readonly execUrl: (pod: RuntimePod, command: readonly string[]) => Promise<string>;
  readonly portForwardUrl: (pod: RuntimePod, ports: readonly number[]) => Promise<string>;
};
