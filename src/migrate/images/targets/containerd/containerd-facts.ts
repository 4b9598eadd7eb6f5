import { basename } from "node:path";
import { EngineError, isKind } from "#base/errors.ts";
import { JsonReader } from "#base/json-reader.ts";
import type { ContainerdConnection } from "#clients/containerd/containerd-connection.ts";
import { openCriConnection } from "#clients/cri/cri-connection.ts";
import { formatReference, parseReference, withDefaultTag } from "#core/images/reference.ts";

/** What of a containerd's set-up matters to images. */
export type ContainerdFacts = {
  readonly version: string;
  readonly snapshotter: string;
  /** Directories that grow: blobs, and snapshots. */
  readonly contentRoot: string;
  readonly snapshotRoot: string;
  /** The CRI plugin's; undefined where it is off or does not say. */
  readonly sandboxImage: string | undefined;
};

const snapshotterType = "io.containerd.snapshotter.v1";
const maxConfigBytes = 4 * 1024 * 1024;

/** Asks containerd and its CRI plugin. @throws unavailable when nobody answers */
export async function readContainerdFacts(
  signal: AbortSignal,
  containerd: ContainerdConnection,
): Promise<ContainerdFacts> {
  const { version } = await containerd.version.version({}, { signal });
  const cri = await readCri(signal, containerd.socketPath);
  const { plugins } = await containerd.introspection.plugins({}, { signal });
  const snapshotters = plugins.filter(({ type }) => type === snapshotterType);
  const name = cri.snapshotter ?? snapshotters.find((one) => keepsIn(one, cri.imageRoot))?.id ?? "overlayfs";
  const snapshotter = snapshotters.find(({ id }) => id === name);
  if (snapshotter === undefined) {
    throw new EngineError("failedPrecondition", `containerd ${containerd.socketPath}: no snapshotter ${name}`);
  }
  const content = plugins.find(({ type, id }) => type === "io.containerd.content.v1" && id === "content");
  const contentRoot = content?.exports["root"] ?? "/var/lib/containerd";
  const snapshotRoot = snapshotter.exports["root"] ?? contentRoot;
  return { version, snapshotter: name, contentRoot, snapshotRoot, sandboxImage: cri.sandboxImage };
}

/** Every pod needs it, and no pod names it. */
export function isSandboxImage({ sandboxImage }: ContainerdFacts, names: readonly string[]): boolean {
  if (sandboxImage === undefined) return false;
  return names.includes(formatReference(withDefaultTag(parseReference(sandboxImage))));
}

type Plugin = { readonly id: string; readonly exports: Readonly<Record<string, string>> };

/** A snapshotter that does not say where it keeps things has a directory of its name, for the CRI plugin. */
function keepsIn({ id, exports }: Plugin, root: string | undefined): boolean {
  return root !== undefined && (exports["root"] === root || basename(root) === `${snapshotterType}.${id}`);
}

/** What one version does not tell is absent. */
type CriFacts = {
  readonly snapshotter?: string | undefined;
  /** Where its snapshotter keeps images. */
  readonly imageRoot?: string | undefined;
  readonly sandboxImage?: string | undefined;
};

/**
 * The CRI plugin's own configuration, which a verbose status tells up to containerd 1.7. Later ones leave out what they keep
 * for images: their default snapshotter's filesystem comes first of all, and they pin the sandbox image themselves.
 *
 * Source: containerd pkg/cri/server/status.go (1.7), internal/cri/server/status.go and
 * internal/cri/server/images/imagefs_info.go, image_pull.go (2.x).
 */
async function readCri(signal: AbortSignal, socketPath: string): Promise<CriFacts> {
  try {
    using cri = await openCriConnection({ signal }, socketPath);
    const { info } = await cri.runtime.status({ verbose: true }, { signal });
    const config = JsonReader.parse(Buffer.from(info["config"] ?? "{}"), "CRI configuration", maxConfigBytes);
    const { imageFilesystems } = await cri.images.imageFsInfo({}, { signal });
    return {
      snapshotter: config.at("containerd").at("snapshotter").optionalString() || undefined,
      imageRoot: imageFilesystems[0]?.fsId?.mountpoint,
      sandboxImage: config.at("sandboxImage").optionalString() || undefined,
    };
  } catch (error) {
    if (isKind(error, "notImplemented")) return {};
    throw error;
  }
}
