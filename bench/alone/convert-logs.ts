import { execFile } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { convertLog, noLines } from "#migrate/logs/convert-log.ts";
import { jsonFileToCri } from "#migrate/logs/json-file-to-cri.ts";
import type { LineConverter } from "#migrate/logs/line-format.ts";
import { openLog } from "#migrate/logs/log-files.ts";

const lineCount = 2_000_000;

/**
 * `ferry migrate logs` without the shell: a file of two million lines as servers write them, a third of them JSON, to CRI
 * and back. MB of input for each second of processor time: what one core does.
 */
export async function convertLogs(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "ferry-bench-logs-"));
  try {
    const json = join(directory, "json.log");
    const cri = join(directory, "cri.log");
    await pipeline(Readable.from(blocks()), createWriteStream(json));
    await convertTo(
      json,
      cri,
      jsonFileToCri(() => {}),
    );
    for (const [name, path, direction] of [
      ["json-file to CRI", json, "toCri"],
      ["CRI to json-file", cri, "toJsonFile"],
    ] as const) {
      const speed = await speedInProcess(path, direction);
      console.log(`logs: ${name}: ${speed.toFixed(0)} MB/s on one core (goal 150)`);
    }
  } finally {
    await rm(directory, { recursive: true });
  }
}

function* blocks(): Generator<string> {
  const perBlock = 10_000;
  for (let block = 0; block < lineCount / perBlock; block++) {
    yield Array.from({ length: perBlock }, (_, at) => line(block * perBlock + at)).join("");
  }
}

function line(at: number): string {
  const text =
    at % 3 === 0
      ? `{\\"level\\":\\"info\\",\\"request\\":${at},\\"path\\":\\"/api/v1/orders\\",\\"ms\\":12}`
      : `10.1.2.3 - - "GET /orders/${at} HTTP/1.1" 200 5316 grün`.replaceAll('"', '\\"');
  return `{"log":"${text}\\n","stream":"${at % 7 === 0 ? "stderr" : "stdout"}","time":"2026-01-02T03:04:05.${String(at).padStart(9, "1")}Z"}\n`;
}

async function convertTo(from: string, to: string, converter: LineConverter): Promise<void> {
  await pipeline(convertLog(openLog(from), converter, noLines()), createWriteStream(to));
}

/** In a process of its own, as the command is one: what is compiled for one direction does not slow the other. */
async function speedInProcess(path: string, direction: string): Promise<number> {
  const script = join(import.meta.dirname, "convert-log-speed.ts");
  const { stdout } = await promisify(execFile)(process.execPath, [...process.execArgv, script, path, direction]);
  return Number(stdout);
}
