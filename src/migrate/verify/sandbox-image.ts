import type { JsonReader } from "#base/json-reader.ts";

/** `registry.k8s.io/pause:3.9`, `rancher/mirrored-pause:3.6`, `k8s.gcr.io/pause-amd64:3.1` */
const sandboxImage = /(^|\/)(mirrored-)?pause(-\w+)?:[^/@]+$/;

/** The sandbox image among those that a Node tells of, which are its largest fifty only; undefined when it is not. */
export function findSandboxImage(node: JsonReader): string | undefined {
  const images = node.at("status").at("images").list(1_000);
  return images.flatMap((image) => image.at("names").strings(100)).find((name) => sandboxImage.test(name));
}
