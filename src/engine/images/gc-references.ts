import type { Call } from "#core/call.ts";
import type { Descriptor } from "#core/content/descriptor.ts";
import type { Digest } from "#core/content/digest.ts";
import type { Manifest } from "#core/images/manifest.ts";
import { gcLabels, type LabelPatch } from "#core/labels.ts";
import type { SnapshotName } from "#core/snapshots/snapshotter.ts";
import type { Engine } from "../engine.ts";

type ContentEngine = Pick<Engine, "content">;

/** Labels a manifest with what it needs, so that whoever keeps it keeps that too. Containerd's label names. */
export async function referManifest(call: Call, { content }: ContentEngine, manifest: Digest, document: Manifest) {
  const patch: Record<string, string> = { [`${gcLabels.content}.config`]: document.config.digest };
  for (const [at, layer] of document.layers.entries()) patch[`${gcLabels.content}.l.${at}`] = layer.digest;
  await content.updateLabels(call, manifest, patch);
}

/** Labels an index with those of its manifests that are here. */
export async function referIndex(
  call: Call,
  { content }: ContentEngine,
  index: Digest,
  manifests: readonly Descriptor[],
) {
  const patch: Record<string, string> = {};
  for (const { digest } of manifests) patch[`${gcLabels.content}.m.${digest.slice(-12)}`] = digest;
  await content.updateLabels(call, index, patch);
}

/** Labels a config with the snapshot that holds its layers, so that the image keeps it. */
export async function labelUnpacked(
  call: Call,
  { content }: ContentEngine,
  config: Digest,
  snapshotter: string,
  name: SnapshotName | undefined,
): Promise<void> {
  if (name !== undefined) await content.updateLabels(call, config, { [`${gcLabels.snapshot}.${snapshotter}`]: name });
}

/** Adds a repository to the places a blob is known to be at. */
export function withSource(labels: Readonly<Record<string, string>>, domain: string, path: string): LabelPatch {
  const key = `containerd.io/distribution.source.${domain}`;
  const paths = (labels[key] ?? "").split(",").filter((known) => known !== "");
  return paths.includes(path) ? {} : { [key]: [...paths, path].slice(-16).join(",") };
}
