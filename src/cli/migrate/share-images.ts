import { shareImages } from "#migrate/images/share/share-images.ts";
import { exitCodes } from "#migrate/exit-codes.ts";
import { CliError } from "../cli-error.ts";
import { warn } from "../output.ts";
import { printMigratedImages } from "./print-migrated-images.ts";

export type ShareOptions = {
  /** `containerd` or `containerd:SOCKET`, as both flags have it. */
  readonly from: string;
  readonly to: string;
  readonly fromNamespace: string;
  readonly namespace: string;
  readonly quiet: boolean;
  readonly format: string | undefined;
};

const defaultSocket = "/run/containerd/containerd.sock";

/** Images that Docker keeps in containerd: names and blobs are shared with the kubelet's namespace of the same containerd. */
export async function shareFromContainerd(signal: AbortSignal, options: ShareOptions): Promise<number> {
  const [from, to] = [socketOf(options.from), socketOf(options.to)];
  if (from === undefined || from !== to) {
    throw new CliError(`images in containerd stay there: ${options.to} is another target`, {
      next: `share them with the kubelet's namespace: --to ${options.from}`,
    });
  }
  const { proofs, broken } = await shareImages(signal, {
    socketPath: from,
    from: options.fromNamespace,
    to: options.namespace,
    ...(options.quiet ? {} : { onImage: warn }),
  });
  await printMigratedImages({ forecast: [], proofs, broken, volumes: [], containers: [] }, options.format);
  return broken.length === 0 ? 0 : exitCodes.incomplete;
}

/** Undefined for anything else than containerd. */
function socketOf(text: string): string | undefined {
  const match = /^containerd(?::(.+))?$/.exec(text);
  return match === null ? undefined : (match[1] ?? defaultSocket);
}
