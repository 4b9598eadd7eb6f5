import { redact } from "#base/errors.ts";
import { convertForCriDockerd } from "#migrate/convert/convert-for-cri-dockerd.ts";
import { convert } from "#migrate/convert/convert.ts";
import type { Conversion, ConvertedFile } from "#migrate/convert/conversion.ts";
import { containerdSpecFor } from "#migrate/convert/find-target.ts";
import { readDockerHost } from "#migrate/convert/read-docker-host.ts";
import { ferrySpec } from "#migrate/convert/target-spec.ts";
import { writeConversion } from "#migrate/convert/write-conversion.ts";
import { HostRoot } from "#migrate/host/host-root.ts";
import { openRunningHost } from "#migrate/host/open-running-host.ts";
import { ledgerBlocks } from "#migrate/ledger/format-ledger.ts";
import { ledgerExitCode } from "#migrate/ledger/ledger.ts";
import { unifiedDiff } from "#migrate/ledger/unified-diff.ts";
import { CliError } from "../../cli-error.ts";
import type { Command } from "../../command.ts";
import type { Flags } from "../../flags.ts";
import { chooseFormat } from "../../format/choose-format.ts";
import { print, write } from "../../output.ts";

export const migrateConvert: Command = {
  usage: "[OPTIONS]",
  summary: "Convert Docker's configuration, with a ledger of every key",
  flags: `
    --root string                 Root of the host, or of a copy of it (default /)
    --target string               containerd (default), ferry or cri-dockerd
    --containerd-version string   As 1.7.28; left out: as installed there, else 1.7
    --image list                  Reference in use, for registries behind an address range
    --out string                  Write the files below this directory
    --diff                        Show what changes in the files that are there
    --format string               table (default) or json
`,
  args: { min: 0, max: 0 },
  example: "ferry migrate convert --target containerd --diff\nferry migrate convert --root /mnt/node7 --out ./node7",
  run: async (session, { flags }) => {
    const format = chooseFormat(session.format(flags), ["table", "json"]);
    const root = await HostRoot.open(flags.text("root") ?? "/");
    const conversion = await convertHost(flags, root);
    const out = flags.text("out");
    if (out !== undefined) await writeConversion(conversion, out);
    if (format === "json") print(JSON.stringify(shown(conversion), undefined, 2));
    else await printConversion(conversion, { root, isDiff: flags.bool("diff"), out });
    return ledgerExitCode(conversion.ledger);
  },
};

async function convertHost(flags: Flags, root: HostRoot): Promise<Conversion> {
  const running = openRunningHost(root);
  const target = flags.text("target") ?? "containerd";
  const host = await readDockerHost({ root, running, images: flags.list("image") });
  if (target === "cri-dockerd") return convertForCriDockerd(host);
  if (target === "ferry") return convert(host, ferrySpec);
  if (target !== "containerd") {
    throw new CliError(`unknown target ${JSON.stringify(target)}`, { next: "--target containerd|ferry|cri-dockerd" });
  }
  return convert(host, await containerdSpecFor(flags.text("containerd-version"), root, running));
}

type View = { readonly root: HostRoot; readonly isDiff: boolean; readonly out: string | undefined };

async function printConversion(conversion: Conversion, { root, isDiff, out }: View): Promise<void> {
  for (const file of conversion.files) {
    if (out !== undefined) print(`wrote ${out}${file.path}   ${file.why}`);
    else if (isDiff) write(1, await diffOf(file, root));
    else print(`# ${file.path}   ${file.why}\n${textOf(file)}`);
  }
  if (out !== undefined) print(`wrote ${out}/ledger.json`);
  print("");
  for (const line of ledgerBlocks(conversion.ledger)) print(line);
}

async function diffOf(file: ConvertedFile, root: HostRoot): Promise<string> {
  const before = await root.findText(file.path);
  if (file.copyOf !== undefined) return before === file.content ? "" : `copied: ${file.copyOf} -> ${file.path}\n`;
  return redact(unifiedDiff(before, file.content, file.path));
}

/** Copies are named, not shown: they may be private keys. Passwords of proxies are in the files that `--out` writes. */
function textOf({ content, copyOf }: ConvertedFile): string {
  return copyOf === undefined ? redact(content) : `copy of ${copyOf}\n`;
}

function shown(conversion: Conversion): object {
  const files = conversion.files.map((file) => ({ ...file, content: textOf(file) }));
  return { ...conversion, files };
}
