import type { SQLOutputValue } from "node:sqlite";
import { EngineError } from "#base/errors.ts";
import type { Labels } from "#core/labels.ts";

/** A row as SQLite gives it, decoded column by column by the functions below. @throws dataLoss on another type */
export type Row = Record<string, SQLOutputValue>;

export function textOf(row: Row, column: string): string {
  const value = row[column];
  return typeof value === "string" ? value : fail(column, value);
}

export function bigintOf(row: Row, column: string): bigint {
  const value = row[column];
  return typeof value === "bigint" ? value : fail(column, value);
}

export function numberOf(row: Row, column: string): number {
  return Number(bigintOf(row, column));
}

export function labelsOf(row: Row, column = "labels"): Labels {
  const labels = parseObject(textOf(row, column), column);
  for (const value of Object.values(labels)) if (typeof value !== "string") fail(column, value);
  return labels as Record<string, string>;
}

/** The JSON object in `text`. @throws dataLoss when it is none */
export function parseObject(text: string, what: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new EngineError("dataLoss", `database: ${what} is no JSON`, { cause: error });
  }
  return isObject(value) ? value : fail(what, value);
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function fail(column: string, value: unknown): never {
  throw new EngineError("dataLoss", `database: ${column} holds ${value === null ? "null" : typeof value}`);
}
