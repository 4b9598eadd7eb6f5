import { resolve } from "node:path";
import { EngineError } from "#base/errors.ts";
import { mergeImports } from "#migrate/containerd-config/merge-imports.ts";
import { readContainerdConfig } from "#migrate/containerd-config/read-config.ts";
import { toFerryConfig } from "#migrate/containerd-config/to-ferry.ts";
import { HostRoot } from "#migrate/host/host-root.ts";
import { ledgerLines, summaryLine } from "#migrate/ledger/format-ledger.ts";
import { ledgerExitCode } from "#migrate/ledger/ledger.ts";
import { decodeConfig } from "./config.ts";

/**
 * Prints containerd's configuration as Ferry's on standard output and what became of each key on standard error; with
 * `format` json both as one object. What is printed is what this daemon reads.
 *
 * Resolves to the exit code: 0 nothing lost, 3 something lost.
 *
 * @throws notFound, invalidArgument for a file that cannot be read
 */
export async function migrateConfig(file: string, format: string | undefined): Promise<number> {
  if (format !== undefined && format !== "json" && format !== "table") {
    throw new EngineError("invalidArgument", `--format ${format}: must be json or table`);
  }
  const path = resolve(file);
  const files = await readContainerdConfig(await HostRoot.open("/"), path);
  if (files === undefined) throw new EngineError("notFound", `${path}: not there`);
  // From version 3 on, which 2.0 brought, an import adds to a plugin's table.
  const { text, ledger } = toFerryConfig(mergeImports(files, files[0].version >= 3), "config.toml");
  const { warnings } = decodeConfig(text);
  if (format === "json") process.stdout.write(`${JSON.stringify({ config: text, ledger, warnings }, undefined, 2)}\n`);
  else {
    process.stdout.write(text);
    const lines = [...ledgerLines(ledger), ...warnings, summaryLine(ledger)];
    process.stderr.write(`${lines.join("\n")}\n`);
  }
  return ledgerExitCode(ledger);
}
