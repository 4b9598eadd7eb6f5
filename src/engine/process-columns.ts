import { EngineError } from "#base/errors.ts";
import type { BootFacts, ProcessInfo } from "./process-info.ts";

export type ColumnContext = BootFacts & {
  readonly nowMs: number;
  readonly userName: (uid: number) => string;
  readonly groupName: (gid: number) => string;
};

export type Column = { readonly title: string; readonly value: (it: ProcessInfo, context: ColumnContext) => string };

/**
 * Columns that `ps` options ask for: `-ef` (nothing means that too), `aux`, `-o pid,comm=NAME`.
 *
 * @throws invalidArgument for an option or column that is not known
 */
export function parsePsColumns(options: string): Column[] {
  const words = options.split(/\s+/).filter((word) => word !== "");
  const chosen: Column[] = [];
  let standard = full;
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    const output = /^-?([a-zA-Z]*)o(.*)$/.exec(word);
    if (output !== null && /^[eAfFawx]*$/.test(output[1] ?? "")) {
      const list = output[2] === "" ? (words[++at] ?? "") : (output[2] ?? "");
      chosen.push(...list.split(",").map(parseColumn));
    } else if (/^-?[auxw]*u[auxw]*$/.test(word)) standard = user;
    else if (!/^-?[eAfFawx]+$/.test(word)) {
      throw new EngineError(
        "invalidArgument",
        `ps: option ${JSON.stringify(word)} is not supported; use -ef, aux or -o`,
      );
    }
  }
  return chosen.length > 0 ? chosen : standard.map(parseColumn);
}

const full = ["uid_name", "pid", "ppid", "c", "stime", "tty", "time", "cmd"];
const user = ["user", "pid", "%cpu", "%mem", "vsz", "rss", "tty", "stat", "start", "cputime", "command"];

function parseColumn(text: string): Column {
  const [name = "", title] = text.split("=", 2);
  const column = columns[name.toLowerCase()];
  if (column === undefined) throw new EngineError("invalidArgument", `ps: unknown column ${JSON.stringify(name)}`);
  return title === undefined || title === "" ? column : { ...column, title };
}

const cpuShare: Column["value"] = (it, { nowMs }) => {
  const upSeconds = Math.max(1, (nowMs - it.startedAtMs) / 1000);
  return ((it.cpuSeconds / upSeconds) * 100).toFixed(1);
};
const startTime: Column["value"] = (it, { nowMs }) => formatStart(it.startedAtMs, nowMs);
const userColumn: Column["value"] = (it, { userName }) => userName(it.uid);
const groupColumn: Column["value"] = (it, { groupName }) => groupName(it.gid);
const argsColumn: Column["value"] = (it) => it.args;
const ttyColumn: Column["value"] = (it) => it.tty;
const stateColumn: Column["value"] = (it) => it.state;
const timeColumn: Column["value"] = (it) => formatClock(it.cpuSeconds);
const memoryShare: Column["value"] = (it, { memoryKib }) => ((it.rssKib / Math.max(1, memoryKib)) * 100).toFixed(1);
const rss: Column = { title: "RSS", value: (it) => String(it.rssKib) };
const vsz: Column = { title: "VSZ", value: (it) => String(it.vszKib) };

/** Titles as procps writes them. */
const columns: Readonly<Record<string, Column>> = {
  pid: { title: "PID", value: (it) => String(it.pid) },
  ppid: { title: "PPID", value: (it) => String(it.ppid) },
  pgid: { title: "PGID", value: (it) => String(it.pgid) },
  sid: { title: "SID", value: (it) => String(it.sid) },
  uid: { title: "UID", value: (it) => String(it.uid) },
  gid: { title: "GID", value: (it) => String(it.gid) },
  uid_name: { title: "UID", value: userColumn },
  user: { title: "USER", value: userColumn },
  euser: { title: "EUSER", value: userColumn },
  group: { title: "GROUP", value: groupColumn },
  egroup: { title: "EGROUP", value: groupColumn },
  c: { title: "C", value: (it, context) => String(Math.floor(Number(cpuShare(it, context)))) },
  "%cpu": { title: "%CPU", value: cpuShare },
  pcpu: { title: "%CPU", value: cpuShare },
  "%mem": { title: "%MEM", value: memoryShare },
  pmem: { title: "%MEM", value: memoryShare },
  rss,
  rssize: rss,
  vsz,
  vsize: vsz,
  stime: { title: "STIME", value: startTime },
  start: { title: "START", value: startTime },
  start_time: { title: "START", value: startTime },
  lstart: { title: "STARTED", value: (it) => new Date(it.startedAtMs).toString().slice(0, 24) },
  etime: { title: "ELAPSED", value: (it, { nowMs }) => formatElapsed((nowMs - it.startedAtMs) / 1000) },
  etimes: { title: "ELAPSED", value: (it, { nowMs }) => String(Math.floor((nowMs - it.startedAtMs) / 1000)) },
  time: { title: "TIME", value: timeColumn },
  cputime: { title: "TIME", value: (it) => formatShortClock(it.cpuSeconds) },
  tty: { title: "TTY", value: ttyColumn },
  tt: { title: "TT", value: ttyColumn },
  tname: { title: "TTY", value: ttyColumn },
  stat: { title: "STAT", value: stateColumn },
  state: { title: "S", value: stateColumn },
  s: { title: "S", value: stateColumn },
  ni: { title: "NI", value: (it) => String(it.nice) },
  nice: { title: "NI", value: (it) => String(it.nice) },
  nlwp: { title: "NLWP", value: (it) => String(it.threads) },
  thcount: { title: "THCNT", value: (it) => String(it.threads) },
  comm: { title: "COMMAND", value: (it) => it.comm },
  ucmd: { title: "CMD", value: (it) => it.comm },
  cmd: { title: "CMD", value: argsColumn },
  args: { title: "COMMAND", value: argsColumn },
  command: { title: "COMMAND", value: argsColumn },
};

function formatClock(seconds: number): string {
  const whole = Math.floor(seconds);
  return [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60].map(twoDigits).join(":");
}

function formatShortClock(seconds: number): string {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${twoDigits(whole % 60)}`;
}

function formatElapsed(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const days = Math.floor(whole / 86_400);
  const clock = formatClock(whole % 86_400);
  return days > 0 ? `${days}-${clock}` : clock.replace(/^00:/, "");
}

function formatStart(startedAtMs: number, nowMs: number): string {
  const at = new Date(startedAtMs);
  if (nowMs - startedAtMs < 86_400_000) return `${twoDigits(at.getHours())}:${twoDigits(at.getMinutes())}`;
  return `${at.toString().slice(4, 7)}${twoDigits(at.getDate())}`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}
