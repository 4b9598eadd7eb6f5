/** Images with a shell that are small, from the best on. */
const known = ["busybox", "alpine", "debian", "ubuntu", "rockylinux", "almalinux", "centos", "fedora"];

/** Pulled where the node has none of them. */
export const fallbackSmokeImage = "docker.io/library/busybox:1.36";

/**
 * The image of the pod that proves a node: one with a shell that is on the node, so that a node without a way to Docker Hub
 * is not taken back for want of it. Of several the first by name.
 */
export function chooseSmokeImage(stored: readonly string[]): string {
  for (const name of known) {
    const found = stored.filter((reference) => new RegExp(`(?:^|/)${name}:[^@/]+$`).test(reference)).sort();
    if (found[0] !== undefined) return found[0];
  }
  return fallbackSmokeImage;
}
