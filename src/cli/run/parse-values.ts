const sizeUnits: Readonly<Record<string, number>> = { "": 0, b: 0, k: 1, m: 2, g: 3, t: 4, p: 5 };

/** `512m`, `1.5g`, `1024`: a size in powers of 1024, as bytes. @throws Error */
export function parseSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?) ?([bkmgtp]?)i?b?$/i.exec(text.trim());
  const power = sizeUnits[match?.[2]?.toLowerCase() ?? "none"];
  if (match === null || power === undefined) throw new Error("not a size such as 512m or 2g");
  return Math.trunc(Number(match[1]) * 1024 ** power);
}

/** A size, or -1 for no limit. @throws Error */
export function parseSizeOrUnlimited(text: string): number {
  return text === "-1" ? -1 : parseSize(text);
}

/** `1.5`, as billionths of a CPU. @throws Error */
export function parseCpus(text: string): number {
  if (!/^\d*\.?\d+$/.test(text)) throw new Error("not a number of CPUs such as 1.5");
  const nano = Number(text) * 1e9;
  if (!Number.isInteger(Number(nano.toFixed(3)))) throw new Error("too precise: at most nine digits after the point");
  return Math.round(nano);
}

/** `nofile=1024:2048`. @throws Error */
export function parseUlimit(text: string): { Name: string; Soft: number; Hard: number } {
  const match = /^(\w+)=(-?\d+)(?::(-?\d+))?$/.exec(text);
  if (match === null) throw new Error("not name=soft[:hard]");
  const soft = Number(match[2]);
  const hard = Number(match[3] ?? match[2]);
  if (hard !== -1 && (soft > hard || soft === -1))
    throw new Error(`soft limit is above the hard limit (${soft} > ${hard})`);
  return { Name: match[1] ?? "", Soft: soft, Hard: hard };
}

/** `/dev/a[:/dev/b][:rwm]`. @throws Error */
export function parseDevice(text: string): { PathOnHost: string; PathInContainer: string; CgroupPermissions: string } {
  const [host = "", ...rest] = text.split(":");
  const last = rest.at(-1);
  const permissions = last !== undefined && /^[rwm]{1,3}$/.test(last) ? rest.pop() : undefined;
  if (host === "" || rest.length > 1) throw new Error("not path[:path][:rwm]");
  return { PathOnHost: host, PathInContainer: rest[0] ?? host, CgroupPermissions: permissions ?? "rwm" };
}

/** `/dev/sda:10mb` or, counted, `/dev/sda:100`. @throws Error */
export function parseDeviceRate(text: string, counted: boolean): { Path: string; Rate: number } {
  const match = /^(\/dev\/[^:]+):(.+)$/.exec(text);
  if (match === null) throw new Error("not /dev/path:rate");
  const rate = counted ? Number(match[2]) : parseSize(match[2] ?? "");
  if (!Number.isInteger(rate) || rate < 0) throw new Error("its rate is not a whole number");
  return { Path: match[1] ?? "", Rate: rate };
}

/** `/dev/sda:500`. @throws Error */
export function parseDeviceWeight(text: string): { Path: string; Weight: number } {
  const { Path, Rate } = parseDeviceRate(text, true);
  if (Rate !== 0 && (Rate < 10 || Rate > 1000)) throw new Error("a weight is 10 to 1000, or 0");
  return { Path, Weight: Rate };
}

/** `on-failure:3`. @throws Error */
export function parseRestartPolicy(text: string): { Name: string; MaximumRetryCount: number } {
  const match = /^(no|always|unless-stopped|on-failure)?(?::(\d+))?$/.exec(text);
  if (match === null) throw new Error("not no, always, unless-stopped or on-failure[:n]");
  if (match[2] !== undefined && match[1] !== "on-failure") throw new Error("only on-failure takes a count");
  return { Name: match[1] ?? "no", MaximumRetryCount: Number(match[2] ?? 0) };
}

/** `key=value` pairs to a record; without `=` the value is empty. */
export function parsePairs(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const equals = pair.indexOf("=");
      return equals < 0 ? [pair, ""] : [pair.slice(0, equals), pair.slice(equals + 1)];
    }),
  );
}

/** Splits a command text into words as a POSIX shell does: quotes and backslashes, nothing expanded. */
export function splitWords(text: string): string[] {
  const words = text.match(/(?:"(?:\\.|[^"\\])*"|'[^']*'|\\.|[^\s"'\\])+/g) ?? [];
  return words.map((word) =>
    word.replace(/"((?:\\.|[^"\\])*)"|'([^']*)'|\\(.)/g, (_, double?: string, single?: string, escaped?: string) =>
      double === undefined ? (single ?? escaped ?? "") : double.replace(/\\(["\\$`])/g, "$1"),
    ),
  );
}
