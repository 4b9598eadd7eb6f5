import type { Finding } from "../../assess/finding.ts";
import type { ConfigView } from "../config-view.ts";
import type { DoctorFacts } from "../doctor-facts.ts";
import { finding } from "./check.ts";

/** The image that every pod needs before its own. Source: containerd `DefaultSandboxImage` by tag. */
const defaults: readonly (readonly [major: number, minor: number, image: string])[] = [
  [2, 3, "registry.k8s.io/pause:3.10.2"],
  [2, 2, "registry.k8s.io/pause:3.10.1"],
  [2, 0, "registry.k8s.io/pause:3.10"],
  [1, 7, "registry.k8s.io/pause:3.8"],
  [1, 6, "registry.k8s.io/pause:3.6"],
  [1, 5, "k8s.gcr.io/pause:3.5"],
  [1, 4, "k8s.gcr.io/pause:3.2"],
  [1, 0, "k8s.gcr.io/pause:3.1"],
];

export function* sandboxImageChecks(facts: DoctorFacts, view: ConfigView | undefined): Iterable<Finding> {
  const leaf = view?.images("pinned_images", "sandbox");
  const image = typeof leaf?.value === "string" && leaf.value !== "" ? leaf.value : defaultImage(facts);
  if (image === undefined) return;
  yield* oldRegistry(facts, image, leaf?.origin.source);
  const { sandboxImage } = facts.kubelet;
  if (sandboxImage === undefined || sandboxImage.value === image) return;
  yield finding(facts.path, {
    check: "containerd-pause-mismatch",
    severity: "medium",
    title: `sandbox image: containerd has ${image}, the kubelet ${sandboxImage.value}`,
    why:
      "the kubelet keeps only its own from garbage collection: when the disk fills, the other goes, and new pods wait for " +
      "a pull without credentials: failed to get sandbox image",
    at: [leaf?.origin.source ?? facts.release?.source, sandboxImage.source],
    fix: { summary: `set sandbox_image (pinned_images.sandbox from version 3 on) to ${sandboxImage.value}` },
  });
}

function defaultImage({ release }: DoctorFacts): string | undefined {
  if (release === undefined) return undefined;
  const [major, minor] = release.value;
  return defaults.find(([itsMajor, itsMinor]) => major > itsMajor || (major === itsMajor && minor >= itsMinor))?.[2];
}

function* oldRegistry(
  facts: DoctorFacts,
  image: string,
  at: Finding["evidence"][number] | undefined,
): Iterable<Finding> {
  const [host = ""] = image.split("/");
  const isTypo = /^k8s\.gc\.io$|^gcr\.k8s\.io$|^registry\.k8s\.com$|^k8s\.io$/.test(host);
  if (host !== "k8s.gcr.io" && !isTypo) return;
  yield finding(facts.path, {
    check: "containerd-pause-registry",
    severity: isTypo ? "blocker" : "medium",
    title: `sandbox image: ${host} ${isTypo ? "is no registry" : "is frozen"}`,
    why: isTypo
      ? "no pod starts once the image is not there: failed to get sandbox image"
      : "k8s.gcr.io has had no new images since April 2023 and may go",
    at: [at ?? facts.release?.source],
    fix: { summary: `write ${image.replace(host, "registry.k8s.io")}` },
  });
}
