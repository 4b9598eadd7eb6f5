import { severities, type Finding } from "#migrate/assess/finding.ts";
import { migrateContainerdConfig } from "#migrate/containerd-config/migrate-config.ts";
import { diagnose } from "#migrate/containerd-config/diagnose.ts";
import type { DoctorFacts } from "#migrate/containerd-config/doctor-facts.ts";
import { readDoctorFacts } from "#migrate/containerd-config/read-doctor-facts.ts";
import { HostRoot } from "#migrate/host/host-root.ts";
import { openRunningHost } from "#migrate/host/open-running-host.ts";
import { ledgerLines, summaryLine } from "#migrate/ledger/format-ledger.ts";
import { ledgerExitCode } from "#migrate/ledger/ledger.ts";
import { findingLines } from "#migrate/report/table-report.ts";
import { exitCodes } from "#migrate/exit-codes.ts";
import { CliError } from "../../cli-error.ts";
import type { Command } from "../../command.ts";
import { chooseFormat } from "../../format/choose-format.ts";
import { print, warn, write } from "../../output.ts";

export const migrateDoctor: Command = {
  usage: "[OPTIONS] [CONFIG]",
  summary: "Predict what will go wrong with containerd's configuration",
  flags: `
    --root string                 Root of the host, or of a copy of it (default /)
    --containerd-version string   Judge for this containerd, as 2.3.0, instead of the installed one
    --to string                   Print the configuration in version 2, 3 or 4 instead, and a ledger on standard error
    --merge-imports               With --to: put what it imports into it, instead of the file alone
    --format string               table (default) or json
`,
  args: { min: 0, max: 1 },
  example:
    "ferry migrate doctor\nferry migrate doctor --containerd-version 2.3.0 ./config.toml\nferry migrate doctor --to 3 > config.toml",
  run: async (session, { flags, args: [path] }) => {
    const root = await HostRoot.open(flags.text("root") ?? "/");
    const running = openRunningHost(root);
    const release = flags.text("containerd-version");
    const isJson = chooseFormat(session.format(flags), ["table", "json"]) === "json";
    const facts = await readDoctorFacts({ root, running, release, path: hostPath(path, root) });
    const to = flags.parsed("to", parseVersion);
    if (to !== undefined) return printMigrated(facts, { to, isJson, isMerged: flags.bool("merge-imports") });
    const findings = diagnose(facts);
    if (isJson) print(JSON.stringify({ path: facts.path, findings }, undefined, 2));
    else printFindings(facts, findings);
    return exitCodeOf(findings);
  },
};

/** Relative to where we are on the host itself, to the root of a copy. */
function hostPath(path: string | undefined, root: HostRoot): string | undefined {
  if (path === undefined || path.startsWith("/")) return path;
  return root.isRunning ? process.getBuiltinModule("node:path").resolve(path) : `/${path}`;
}

function parseVersion(text: string): 2 | 3 | 4 {
  const version = ([2, 3, 4] as const).find((one) => String(one) === text);
  if (version === undefined) throw new Error("2, 3 or 4");
  return version;
}

type Migrated = { readonly to: 2 | 3 | 4; readonly isJson: boolean; readonly isMerged: boolean };

function printMigrated(facts: DoctorFacts, { to, isJson, isMerged }: Migrated): number {
  const { files, path, unreadable, release } = facts;
  const config = isMerged ? facts.config : files[0];
  if (config === undefined) throw new CliError(unreadable?.why ?? `${path}: not there`);
  const hasBinDirs = release === undefined || release.value[0] !== 2 || release.value[1] > 0;
  const { text, ledger } = migrateContainerdConfig(config, { to, hasBinDirs, isMerged });
  if (isJson) print(JSON.stringify({ config: text, ledger }, undefined, 2));
  else {
    write(1, text);
    for (const line of [...ledgerLines(ledger), summaryLine(ledger)]) warn(line);
  }
  return ledgerExitCode(ledger);
}

function printFindings(facts: DoctorFacts, findings: readonly Finding[]): void {
  const release = facts.release?.value.join(".") ?? "of unknown version";
  print(`${facts.path}${facts.config === undefined ? " (not there: defaults)" : ""}, containerd ${release}\n`);
  for (const finding of findings) {
    for (const line of findingLines(finding, { width: 100, color: false })) print(line);
    print("");
  }
  print(severities.map((one) => `${findings.filter(({ severity }) => severity === one).length} ${one}`).join(", "));
}

/** 0 nothing found, 3 only what degrades, 4 something that does not start. */
function exitCodeOf(findings: readonly Finding[]): number {
  if (findings.length === 0) return 0;
  const isBroken = findings.some(({ severity }) => severity === "blocker" || severity === "high");
  return isBroken ? exitCodes.invalid : exitCodes.incomplete;
}
