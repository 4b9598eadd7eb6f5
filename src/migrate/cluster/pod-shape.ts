/** What of a pod's specification decides whether it can live without Docker. Paths are within the pod's `spec`. */
export type PodShape = {
  readonly containers: readonly ContainerShape[];
  readonly hostPaths: readonly HostPathVolume[];
  readonly claims: readonly { readonly volume: string; readonly claim: string; readonly path: string }[];
  readonly emptyDirs: number;
  readonly configMaps: readonly string[];
  readonly pullSecrets: readonly string[];
  readonly serviceAccount: string;
  readonly hostPid: boolean;
  readonly hostNetwork: boolean;
  readonly runtimeClass: { readonly name: string; readonly path: string } | undefined;
  readonly sysctls: Readonly<Record<string, string>>;
  readonly runAsUser: number | undefined;
  readonly runAsNonRoot: boolean;
  /** Profiles by their old annotations and by their fields. */
  readonly profiles: readonly { readonly kind: "apparmor" | "seccomp"; readonly name: string; readonly path: string }[];
  /** Path of the annotation that asks for containerd's untrusted runtime. */
  readonly untrusted: string | undefined;
  readonly os: string | undefined;
  readonly nodeSelector: Readonly<Record<string, string>>;
};

export type HostPathVolume = {
  readonly volume: string;
  readonly hostPath: string;
  /** `Socket`, `Directory`, … as the volume wants it; empty for any. */
  readonly type: string;
  readonly path: string;
};

export type ContainerShape = {
  readonly name: string;
  readonly role: "container" | "init" | "ephemeral" | "step";
  readonly image: string;
  readonly pullPolicy: string;
  /** Command and arguments as one text each. */
  readonly command: readonly string[];
  /** Names of all variables; values only of those that tell of a runtime. */
  readonly env: readonly { readonly name: string; readonly value: string; readonly path: string }[];
  readonly ports: readonly {
    readonly container: number;
    readonly host: number | undefined;
    readonly path: string;
  }[];
  readonly mounts: readonly { readonly volume: string; readonly at: string; readonly readOnly: boolean }[];
  readonly privileged: boolean;
  readonly capabilities: readonly string[];
  readonly runAsUser: number | undefined;
  readonly runAsNonRoot: boolean | undefined;
  /** Limits of `nvidia.com/…` and its like. */
  readonly devices: readonly string[];
  readonly path: string;
};
