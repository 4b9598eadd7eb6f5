import type { ContainerMount, HealthCheck } from "#core/containers/container-config.ts";
import type { ImageDefaults, ImageHealthcheck } from "#core/images/image-config.ts";
import type { Labels } from "#core/labels.ts";

/** What a person asks for; what is left out is the image's. An entrypoint of `[]` or `[""]` resets the image's. */
export type ProcessRequest = {
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  readonly env?: readonly string[];
  readonly workdir?: string;
  readonly user?: string;
  readonly stopSignal?: string;
  readonly stopTimeoutMs?: number;
  readonly labels?: Labels;
  /** Destinations. */
  readonly volumes?: readonly string[];
  /** `test` of `["NONE"]`: none; empty: the image's. */
  readonly health?: ImageHealthcheck;
};

/** Both together. `health` is undefined when there is none or it is switched off. */
export type MergedProcess = {
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  /** Entrypoint and command in one; may be empty, which is the caller's to refuse. */
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly workdir: string;
  readonly user: string;
  readonly stopSignal: string;
  readonly stopTimeoutMs: number;
  readonly labels: Labels;
  readonly volumes: readonly string[];
  readonly health?: HealthCheck;
};

const defaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * An image's defaults under a person's request, as Docker merges them: an entrypoint of one's own drops the image's
 * command; environment by key; labels and volumes of both.
 *
 * Zero or missing numbers of a health check are the image's, then Docker's (30 s, 30 s, 0, 5 s, 3).
 */
export function mergeImageConfig(image: ImageDefaults, request: ProcessRequest): MergedProcess {
  const ownEntrypoint = request.entrypoint !== undefined && request.entrypoint.length > 0;
  const resetsEntrypoint = request.entrypoint !== undefined;
  const ownCommand = (request.command?.length ?? 0) > 0;
  const entrypoint = resetsEntrypoint ? clean(request.entrypoint) : [...image.entrypoint];
  const command = ownCommand ? [...(request.command ?? [])] : ownEntrypoint ? [] : [...image.cmd];
  const health = mergeHealth(image.healthcheck, request.health, image.shell);
  return {
    entrypoint,
    command,
    args: [...entrypoint, ...command],
    env: mergeEnv([defaultPath], image.env, request.env ?? []),
    workdir: request.workdir || image.workingDir || "/",
    user: request.user || image.user,
    stopSignal: request.stopSignal || image.stopSignal || "SIGTERM",
    stopTimeoutMs: request.stopTimeoutMs ?? image.stopTimeoutMs ?? 10_000,
    labels: { ...image.labels, ...request.labels },
    volumes: [...new Set([...image.volumes, ...(request.volumes ?? [])])],
    ...(health === undefined ? {} : { health }),
  };
}

/** `mounts` and an anonymous volume for each of `destinations` that none of them covers. */
export function withAnonymousVolumes(
  mounts: readonly ContainerMount[],
  destinations: readonly string[],
): ContainerMount[] {
  const covered = new Set(mounts.map((mount) => trimSlash(mount.destination)));
  const missing = destinations.map(trimSlash).filter((destination) => !covered.has(destination));
  return [
    ...mounts,
    ...missing.map((destination): ContainerMount => ({
      t: "volume",
      name: "",
      destination,
      readOnly: false,
      noCopy: false,
      anonymous: true,
    })),
  ];
}

/** `KEY=value` lists one over the other, in the order of first appearance; `KEY` alone takes the key away. */
export function mergeEnv(...lists: readonly (readonly string[])[]): string[] {
  const values = new Map<string, string>();
  for (const entry of lists.flat()) {
    const at = entry.indexOf("=");
    if (at < 0) values.delete(entry);
    else values.set(entry.slice(0, at), entry);
  }
  return [...values.values()];
}

/** Docker's clients send `[""]` to reset the entrypoint. */
function clean(entrypoint: readonly string[] = []): string[] {
  return entrypoint.length === 1 && entrypoint[0] === "" ? [] : [...entrypoint];
}

function mergeHealth(
  image: ImageHealthcheck | undefined,
  request: ImageHealthcheck | undefined,
  shell: readonly string[],
): HealthCheck | undefined {
  const test = request?.test.length ? request.test : (image?.test ?? []);
  if (test.length === 0 || test[0] === "NONE") return undefined;
  const pick = (key: Exclude<keyof HealthCheck, "test">, fallback: number) =>
    request?.[key] || image?.[key] || fallback;
  return {
    // The image's own shell, where it has one, is what runs a shell probe.
    test: test[0] === "CMD-SHELL" && shell.length > 0 ? ["CMD", ...shell, ...test.slice(1)] : test,
    intervalMs: pick("intervalMs", 30_000),
    timeoutMs: pick("timeoutMs", 30_000),
    startPeriodMs: pick("startPeriodMs", 0),
    startIntervalMs: pick("startIntervalMs", 5_000),
    retries: pick("retries", 3),
  };
}

function trimSlash(path: string): string {
  return path.length > 1 ? path.replace(/\/+$/, "") : path;
}
