import { mkdir, rm, rmdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { formatSpec } from "#core/tasks/format-spec.ts";
import type { OciSpec } from "#core/tasks/oci-spec.ts";
import type { BundlePaths } from "./bundle-paths.ts";
import type { ShimRecord } from "./shim-record.ts";
import { makeFifo } from "./syscalls.ts";
import type { StdioPaths } from "./task-client.ts";

/** Everything that a shim finds when it starts, the record first: it is what recovery goes by. */
export async function writeBundle(paths: BundlePaths, record: ShimRecord, spec: OciSpec): Promise<void> {
  await mkdir(paths.bundle, { recursive: true, mode: 0o711 });
  const mode = 0o600;
  await writeFile(paths.record, JSON.stringify(record), { mode });
  // A shim opens its log, and each output, as it finds it: a file keeps what nobody reads now.
  const empty = [paths.shimLog, paths.stdout, ...(record.tty ? [] : [paths.stderr])];
  await Promise.all([
    writeFile(paths.config, formatSpec(spec), { mode }),
    ...empty.map((path) => writeFile(path, "", { mode })),
  ]);
  if (record.stdin !== "none") makeFifo(paths.stdin);
}

export function stdioOf({ stdin, tty }: ShimRecord, paths: BundlePaths): StdioPaths {
  return { stdin: stdin === "none" ? "" : paths.stdin, stdout: paths.stdout, stderr: tty ? "" : paths.stderr };
}

/** The namespace's directory too when nothing else is in it. */
export async function removeBundle({ bundle }: BundlePaths): Promise<void> {
  await rm(bundle, { recursive: true, force: true });
  await rmdir(dirname(bundle)).catch(() => {});
}
