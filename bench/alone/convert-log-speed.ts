import { convertLog, noLines } from "#migrate/logs/convert-log.ts";
import { criToJsonFile } from "#migrate/logs/cri-to-json-file.ts";
import { jsonFileToCri } from "#migrate/logs/json-file-to-cri.ts";
import type { LineConverter } from "#migrate/logs/line-format.ts";
import { openLog } from "#migrate/logs/log-files.ts";
import { median } from "../statistics.ts";

/** Run as a program with a log and `toCri` or `toJsonFile`: prints MB of input for each second of processor time, the median. */
const [path = "", direction] = process.argv.slice(2);
const rounds = 5;

const speeds: number[] = [];
for (let round = 0; round < rounds; round++) {
  speeds.push(await speedOf(direction === "toCri" ? jsonFileToCri(() => {}) : criToJsonFile(() => undefined)));
}
console.log(median(speeds));

async function speedOf(converter: LineConverter): Promise<number> {
  const counts = noLines();
  const before = process.cpuUsage();
  for await (const piece of convertLog(openLog(path), converter, counts)) if (piece.length === 0) return 0;
  const { user, system } = process.cpuUsage(before);
  return counts.readBytes / (user + system);
}
