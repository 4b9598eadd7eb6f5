import { EngineError, isKind } from "#base/errors.ts";
import { JsonReader } from "#base/json-reader.ts";
import type { ContainerdConnection } from "#clients/containerd/containerd-connection.ts";
import { openCriConnection } from "#clients/cri/cri-connection.ts";

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

const maxConfigBytes = 4 * 1024 * 1024;

/** Asks containerd and its CRI plugin. @throws unavailable when nobody answers */
export async function readContainerdFacts(
  signal: AbortSignal,
  containerd: ContainerdConnection,
): Promise<ContainerdFacts> {
  const { version } = await containerd.version.version({}, { signal });
  const cri = await readCri(signal, containerd.socketPath);
  const snapshotter = cri.snapshotter ?? "overlayfs";
  const { plugins } = await containerd.introspection.plugins({}, { signal });
  const rootOf = (type: string, id: string) =>
    plugins.find((one) => one.type === type && one.id === id)?.exports["root"];
  const snapshotRoot = rootOf("io.containerd.snapshotter.v1", snapshotter);
  if (!plugins.some(({ type, id }) => type === "io.containerd.snapshotter.v1" && id === snapshotter)) {
    throw new EngineError("failedPrecondition", `containerd ${containerd.socketPath}: no snapshotter ${snapshotter}`);
  }
  const contentRoot = rootOf("io.containerd.content.v1", "content") ?? "/var/lib/containerd";
  return {
    version,
    snapshotter,
    contentRoot,
    snapshotRoot: snapshotRoot ?? contentRoot,
    sandboxImage: cri.sandboxImage,
  };
}

type CriFacts = { readonly snapshotter?: string; readonly sandboxImage?: string };

/**
 * The CRI plugin's own configuration, which a verbose status tells.
 * Source: containerd pkg/cri/server/status.go (1.6), internal/cri/server/status.go (2.x).
 */
async function readCri(signal: AbortSignal, socketPath: string): Promise<CriFacts> {
  try {
    using cri = await openCriConnection({ signal }, socketPath);
    const { info } = await cri.runtime.status({ verbose: true }, { signal });
    const config = JsonReader.parse(Buffer.from(info["config"] ?? "{}"), "CRI configuration", maxConfigBytes);
    const snapshotter = config.at("containerd").at("snapshotter").optionalString();
    const sandboxImage =
      config.at("sandboxImage").optionalString() ?? config.at("pinnedImages").at("sandbox").optionalString();
    return {
      ...(snapshotter ? { snapshotter } : {}),
      ...(sandboxImage ? { sandboxImage } : {}),
    };
  } catch (error) {
    if (isKind(error, "notImplemented")) return {};
    throw error;
  }
}
