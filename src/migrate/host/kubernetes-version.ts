import { EngineError } from "#base/errors.ts";

/** A Kubernetes version; the major is 1. */
export type KubernetesVersion = { readonly minor: number; readonly patch: number };

/** Reads `v1.23.17`, `1.24.3+k3s1`, a package's `1.27.4-1.1`, `Kubernetes v1.30.2`. */
export function findKubernetesVersion(text: string): KubernetesVersion | undefined {
  const match = /(?:^|[^\d.])1\.(\d{1,3})(?:\.(\d{1,4}))?/.exec(text);
  return match === null ? undefined : { minor: Number(match[1]), patch: Number(match[2] ?? 0) };
}

/** @throws invalidArgument */
export function parseKubernetesVersion(text: string): KubernetesVersion {
  const found = findKubernetesVersion(text);
  if (found === undefined) throw new EngineError("invalidArgument", `kubernetes version ${text}: not like 1.23.17`);
  return found;
}

/** `1.23.17` */
export function formatKubernetesVersion({ minor, patch }: KubernetesVersion): string {
  return `1.${minor}.${patch}`;
}
