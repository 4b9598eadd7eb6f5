import { resolve } from "node:path";
import { sizeText } from "#base/size-text.ts";
import { findDockerOn } from "#migrate/images/docker-store/find-docker.ts";
import { imageLabel } from "#migrate/images/docker-store/docker-image.ts";
import { readDockerStore, type DockerStore } from "#migrate/images/docker-store/docker-store.ts";
import type { ImageTarget } from "#migrate/images/image-target.ts";
import { defaultJournalPath } from "#migrate/images/journal-path.ts";
import { ImagesJournal } from "#migrate/images/journal.ts";
import { migrateImages, type ImagesProgress, type MigratedImages } from "#migrate/images/migrate-images.ts";
import { openTarget } from "#migrate/images/open-target.ts";
import { acquireRunLock } from "#migrate/images/run-lock.ts";
import { exitCodes } from "#migrate/exit-codes.ts";
import { CliError } from "../../cli-error.ts";
import type { Command } from "../../command.ts";
import type { Flags } from "../../flags.ts";
import { printMigratedImages } from "../../migrate/print-migrated-images.ts";
import { isTerminal, warn, write } from "../../output.ts";

export const migrateImagesCommand: Command = {
  usage: "[OPTIONS] --to TARGET [IMAGE...]",
  summary: "Carry images out of a stopped Docker's data root",
  flags: `
    --dangling                Images without a name too
    --driver string           Storage driver, where the data root has images of several
    --dry-run                 Only say what it would take
    --format string           table (default), json, 'table TEMPLATE' or 'TEMPLATE'
    --from string             Docker's data root (default /var/lib/docker), or containerd[:SOCKET] where Docker keeps images there
    --from-namespace string   Docker's namespace in containerd (default moby)
    --journal string          File that notes what has arrived (default below /var/lib/ferry-migrate)
    --live-ok                 Go on though Docker is running; images must not be removed meanwhile
-q, --quiet                   No forecast, no progress
    --to string               ferry or containerd[:SOCKET] (namespace k8s.io, or --namespace), or oci:DIRECTORY
    --volumes                 Named volumes too; target ferry
`,
  args: { min: 0 },
  example: "ferry migrate images --from /var/lib/docker --to ferry",
  run: async (session, { flags, args }) => {
    const to = flags.text("to");
    if (to === undefined)
      throw new CliError("no target is named", {
        next: "say where to: --to ferry, --to containerd or --to oci:DIRECTORY",
      });
    // Pods are what a node's images are for.
    const namespace = session.namespace ?? "k8s.io";
    const { signal } = untilInterrupted();
    const from = flags.text("from") ?? "/var/lib/docker";
    if (/^containerd(?::|$)/.test(from)) {
      checkShared(flags, args);
      const { shareFromContainerd } = await import("../../migrate/share-images.ts");
      const fromNamespace = flags.text("from-namespace") ?? "moby";
      const quiet = flags.bool("quiet");
      return await shareFromContainerd(signal, {
        from,
        to,
        fromNamespace,
        namespace,
        quiet,
        format: session.format(flags),
      });
    }
    const root = resolve(from);
    await checkStopped(root, flags);
    const driver = flags.text("driver");
    const dangling = flags.bool("dangling");
    const store = await readDockerStore(root, { dangling, ...(driver === undefined ? {} : { driver }) });
    const client = (name?: string) => (name === undefined ? session.client : session.clientIn(name));
    await using target = await openTarget(signal, to, { namespace, client });
    const migrated = await run(signal, flags, { store, target, wanted: args });
    if (isTerminal(2)) write(2, "\r\x1b[K");
    await printMigratedImages(migrated, session.format(flags));
    return migrated.broken.length === 0 ? 0 : exitCodes.incomplete;
  },
};

/** Sharing names and blobs takes all of a namespace's images, and no disk. @throws CliError for flags that would be unheard */
function checkShared(flags: Flags, args: readonly string[]): void {
  const unheard = ["dangling", "driver", "dry-run", "journal", "live-ok", "volumes"].filter((name) => flags.has(name));
  const [what] = [...unheard.map((name) => `--${name}`), ...args.slice(0, 1)];
  if (what === undefined) return;
  throw new CliError(`${what}: not with --from containerd, which shares every image where it lies`, {
    next: `leave out ${what}`,
  });
}

type Route = { readonly store: DockerStore; readonly target: ImageTarget; readonly wanted: readonly string[] };

/** Aborted by Ctrl-C and by SIGTERM. */
function untilInterrupted(): AbortController {
  const ended = new AbortController();
  process.once("SIGINT", () => ended.abort());
  process.once("SIGTERM", () => ended.abort());
  return ended;
}

async function run(signal: AbortSignal, flags: Flags, route: Route): Promise<MigratedImages> {
  const header = { source: route.store.root, target: route.target.name };
  const journalPath = flags.text("journal") ?? defaultJournalPath(header);
  await using _lock = await acquireRunLock(journalPath);
  const quiet = flags.bool("quiet");
  return await migrateImages(signal, {
    ...route,
    journal: await ImagesJournal.open(journalPath, header),
    dryRun: flags.bool("dry-run"),
    volumes: flags.bool("volumes"),
    onForecast(forecasts, { images, layers }) {
      if (quiet) return;
      warn(`${images.length} images, ${layers.size} layers from ${header.source}`);
      for (const { path, bytes, inodes, freeBytes, notes = [] } of forecasts) {
        for (const note of notes) warn(note);
        warn(`${path}: ${sizeText(bytes)} and ${inodes} inodes will be needed, ${sizeText(freeBytes)} are free`);
      }
    },
    ...(quiet ? {} : { onProgress: progressPrinter() }),
  });
}

/** @throws CliError when Docker has the data root in use */
async function checkStopped(root: string, flags: Flags): Promise<void> {
  const pid = await findDockerOn(root);
  if (pid === undefined) return;
  const fact = `Docker (process ${pid}) is running on ${root}`;
  if (flags.bool("live-ok")) return warn(`ferry: ${fact}: remove and prune nothing until this has ended`);
  throw new CliError(fact, { next: "stop it: systemctl stop docker.socket docker.service; or go on with --live-ok" });
}

const redrawMs = 100;

/** A line that is drawn over on a terminal, a line for each image elsewhere. */
function progressPrinter(): (progress: ImagesProgress) => void {
  const terminal = isTerminal(2);
  let [last, shown] = [0, 0];
  return ({ image, number, count, doneBytes, totalBytes }) => {
    const done = `${sizeText(doneBytes)} of ${sizeText(totalBytes)}`;
    const line = `[${number}/${count}] ${imageLabel(image)}  ${done}`;
    if (!terminal) {
      if (shown !== number) warn(line);
      shown = number;
    } else if (performance.now() - last > redrawMs) {
      last = performance.now();
      write(2, `\r\x1b[K${line}`);
    }
  };
}
