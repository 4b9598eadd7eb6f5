import type { Row } from "./scenarios/scenario.ts";
import { median, p95 } from "./statistics.ts";

type Named = { readonly name: string; readonly version: string };

/** Prints medians (p95 in brackets where there are enough samples) and Ferry's ratio to each peer. */
export function printReport(peers: readonly Named[], rows: readonly Row[], asJson: boolean): void {
  const versions = Object.fromEntries(peers.map(({ name, version }) => [name, version]));
  if (asJson) {
    console.log(JSON.stringify({ versions, rows }, undefined, 2));
    return;
  }
  const others = peers.filter(({ name }) => name !== "ferry");
  const head = ["", "unit", ...peers.map(({ name, version }) => `${name} ${version}`)];
  const table = [[...head, ...others.map(({ name }) => `ferry/${name}`)], ...rows.map((row) => cells(row, peers))];
  const widths = table[0]?.map((_, column) => Math.max(...table.map((line) => line[column]?.length ?? 0))) ?? [];
  for (const line of table)
    console.log(
      line
        .map((cell, column) => (column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join("  ")
        .trimEnd(),
    );
}

function cells(row: Row, peers: readonly Named[]): string[] {
  const values = peers.map(({ name }) => figure(row.samples[name] ?? [], row.unit));
  const ferry = median(row.samples["ferry"] ?? []);
  const ratios = peers.filter(({ name }) => name !== "ferry").map(({ name }) => ratio(row, name, ferry));
  return [row.name, row.unit, ...values, ...ratios];
}

function ratio(row: Row, name: string, ferry: number): string {
  const samples = row.samples[name];
  if (samples === undefined || samples.length === 0) return "-";
  const value = ferry / median(samples);
  const goal = row.goals?.[name];
  if (goal === undefined) return value.toFixed(2);
  return `${value.toFixed(2)} (${value <= goal ? "reaches" : "misses"} ${goal})`;
}

function figure(samples: readonly number[], unit: Row["unit"]): string {
  if (samples.length === 0) return "-";
  const digits = unit === "s" ? 2 : median(samples) < 10 ? 1 : 0;
  const middle = median(samples).toFixed(digits);
  return samples.length < 10 ? middle : `${middle} [${p95(samples).toFixed(0)}]`;
}
