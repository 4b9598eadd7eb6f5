import { readFile, writeFile } from "node:fs/promises";
import type { ConvertedLog } from "#migrate/logs/convert-log.ts";
import type { LineConverter } from "#migrate/logs/line-format.ts";
import { exitCodes } from "#migrate/exit-codes.ts";
import { CliError } from "../../cli-error.ts";
import type { Command } from "../../command.ts";
import { chooseFormat } from "../../format/choose-format.ts";
import { print, warn, write } from "../../output.ts";
import { openProgress } from "../../format/open-progress.ts";
import { writeWhole } from "../../write-whole.ts";

export const migrateLogs: Command = {
  usage: "--to cri|json-file [OPTIONS] [FILE|DIRECTORY...]",
  summary: "Convert container logs between Docker's json-file and CRI format",
  flags: `
    --to string       Format to write: cri or json-file
-o, --output string   Write to a file, instead of STDOUT
    --attrs string    File for what CRI has no place for (log labels): written for cri, read for json-file
`,
  args: { min: 0 },
  example: `ferry migrate logs --to cri /var/lib/docker/containers/3f2a…/
zcat 0.log.20260102-030405.gz | ferry migrate logs --to json-file -o app-json.log`,
  run: async (_session, { flags, args }) => {
    const to = flags.text("to");
    if (to !== "cri" && to !== "json-file") {
      throw new CliError("which format to write is not said", { next: "add --to cri, or --to json-file" });
    }
    const { noLines } = await import("#migrate/logs/convert-log.ts");
    const counts = noLines();
    const attrs = await openAttrs(to, flags.text("attrs"));
    await writeTo(flags.text("output"), convertAll(args, attrs.converter, counts));
    await attrs.finish();
    return report(counts);
  },
};

export const migrateLogsReplay: Command = {
  usage: "[OPTIONS]",
  summary: "Write pods' Docker logs in CRI format where the kubelet looks for them",
  flags: `
    --from string   Docker's data root (default /var/lib/docker)
    --into string   The kubelet's log directory (default /var/log/pods)
    --dry-run       Only say what would be written
`,
  args: { min: 0, max: 0 },
  example: "ferry migrate logs replay --from /var/lib/docker --into /var/log/pods",
  run: async (session, { flags }) => {
    const { listDockerPodLogs } = await import("#migrate/logs/docker-logs.ts");
    const { replayLogs } = await import("#migrate/logs/replay-logs.ts");
    const { logs, unreadable } = await listDockerPodLogs(flags.text("from") ?? "/var/lib/docker");
    const rows: Record<string, unknown>[] = [];
    using progress = openProgress();
    for (const [at, log] of logs.entries()) {
      progress.show(`[${at + 1}/${logs.length}] ${log.directory}`);
      if (flags.bool("dry-run"))
        rows.push(...log.files.map((from) => ({ From: from, To: log.directory, Outcome: "-" })));
      else {
        for await (const { from, to, outcome, counts } of replayLogs(log, flags.text("into") ?? "/var/log/pods")) {
          rows.push({ From: from, To: to, Outcome: outcome, Lines: counts.lines, Malformed: counts.malformed });
        }
      }
    }
    progress[Symbol.dispose]();
    const { printList } = await import("../../format/print-list.ts");
    await printList(rows, replayLayout, session.format(flags));
    for (const { dockerId, reason } of unreadable) warn(`container ${dockerId.slice(0, 12)}: left out: ${reason}`);
    return unreadable.length > 0 || rows.some(({ Malformed }) => Number(Malformed) > 0) ? exitCodes.incomplete : 0;
  },
};

const replayLayout = {
  headers: { From: "FROM", To: "TO", Outcome: "OUTCOME", Lines: "LINES", Malformed: "MALFORMED" },
  fields: ["From", "To", "Outcome", "Lines", "Malformed"],
};

export const migrateLogsSettings: Command = {
  usage: "[OPTIONS] [COLLECTOR]",
  summary: "Print what a log collector must be told to read CRI logs",
  flags: "",
  args: { min: 0, max: 1 },
  example: "ferry migrate logs settings fluent-bit",
  run: async (session, { flags, args: [wanted] }) => {
    const { collectorSettings } = await import("#migrate/logs/collector-settings.ts");
    const chosen = collectorSettings.filter(({ collector }) => wanted === undefined || collector === wanted);
    if (chosen.length === 0) {
      const known = collectorSettings.map(({ collector }) => collector).join(", ");
      throw new CliError(`no settings for ${wanted}`, { next: `there are settings for: ${known}` });
    }
    if (chooseFormat(session.format(flags), ["text", "json"]) === "json")
      for (const entry of chosen) print(JSON.stringify(entry));
    else {
      for (const { collector, place, settings, note } of chosen) {
        write(1, `# ${collector}: ${place}\n# ${note}\n${settings}\n`);
      }
    }
    return 0;
  },
};

export const migrateLogsCheck: Command = {
  usage: "[OPTIONS] FILE [FILE...]",
  summary: "Try a log collector's parser settings on lines in both formats",
  flags: "",
  args: { min: 1 },
  example: "ferry migrate logs check /etc/fluent-bit/fluent-bit.conf",
  run: async (session, { flags, args }) => {
    const { checkCollector } = await import("#migrate/logs/check-collector.ts");
    const rows: Record<string, unknown>[] = [];
    for (const path of args) {
      for (const finding of checkCollector(await readFile(path, "utf8"))) {
        const { line, setting, collector, reads, failing } = finding;
        const fails = failing.map(({ about }) => about).join(", ");
        rows.push({ Place: `${path}:${line}`, Collector: collector, Setting: setting, Reads: reads, Fails: fails });
      }
    }
    const { printList } = await import("../../format/print-list.ts");
    await printList(rows, checkLayout, session.format(flags));
    return rows.some(({ Reads }) => Reads === "json-file" || Reads === "none") ? exitCodes.incomplete : 0;
  },
};

const checkLayout = {
  headers: { Place: "PLACE", Collector: "COLLECTOR", Setting: "SETTING", Reads: "READS", Fails: "DOES NOT UNDERSTAND" },
  fields: ["Place", "Collector", "Setting", "Reads", "Fails"],
};

type Attrs = { readonly converter: LineConverter; readonly finish: () => Promise<void> };

async function openAttrs(to: "cri" | "json-file", path: string | undefined): Promise<Attrs> {
  const { AttrsRecorder, attrsOf } = await import("#migrate/logs/attrs-file.ts");
  if (to === "json-file") {
    const { criToJsonFile } = await import("#migrate/logs/cri-to-json-file.ts");
    const attrs = path === undefined ? () => undefined : attrsOf(await readFile(path, "utf8"));
    return { converter: criToJsonFile(attrs), finish: async () => {} };
  }
  const { jsonFileToCri } = await import("#migrate/logs/json-file-to-cri.ts");
  const recorder = new AttrsRecorder();
  const finish = async () => {
    if (path !== undefined) await writeFile(path, recorder.toString(), { mode: 0o640 });
    else if (recorder.isNeeded) warn("note: log labels (attrs) are left out; --attrs FILE keeps them");
  };
  return { converter: jsonFileToCri(recorder.note), finish };
}

async function* convertAll(paths: readonly string[], converter: LineConverter, counts: ConvertedLog) {
  const { convertLog } = await import("#migrate/logs/convert-log.ts");
  if (paths.length === 0) {
    yield* convertLog(process.stdin, converter, counts);
    return;
  }
  const { listLogFiles, openLog } = await import("#migrate/logs/log-files.ts");
  for (const path of paths) {
    for (const file of await listLogFiles(path)) yield* convertLog(openLog(file), converter, counts);
  }
}

async function writeTo(path: string | undefined, pieces: AsyncIterable<Buffer>): Promise<void> {
  if (path !== undefined) await writeWhole(path, pieces);
  else for await (const piece of pieces) write(1, piece);
}

function report({ malformed, malformedLines }: ConvertedLog): number {
  if (malformed === 0) return 0;
  const places = `line ${malformedLines.join(", ")}${malformed > malformedLines.length ? ", …" : ""}`;
  warn(
    `ferry migrate logs: ${malformed} line${malformed === 1 ? " is" : "s are"} of another format, left out: ${places}`,
  );
  return exitCodes.incomplete;
}
