import { CliError } from "../cli-error.ts";
import { write } from "../output.ts";
import { layoutTable } from "./layout-table.ts";

/** What templates and JSON see of one item. */
export type Row = Readonly<Record<string, unknown>>;

export type ListLayout = {
  /** Column title of every field a row has. */
  readonly headers: Readonly<Record<string, string>>;
  /** Fields of the table when no template names others. */
  readonly fields: readonly string[];
};

/**
 * Prints rows as `table` (default), `json` (an object per line), `table TEMPLATE` or `TEMPLATE`.
 *
 * @throws CliError for a template that cannot be read or names a field there is not
 */
export async function printList(rows: readonly Row[], layout: ListLayout, format: string | undefined): Promise<void> {
  write(1, await formatList(rows, layout, format));
}

export async function formatList(
  rows: readonly Row[],
  layout: ListLayout,
  format: string | undefined,
): Promise<string> {
  if (format === undefined || format === "" || format === "table") {
    const header = layout.fields.map((field) => layout.headers[field] ?? field);
    return layoutTable([header, ...rows.map((row) => layout.fields.map((field) => cell(row[field])))]);
  }
  if (format === "json") return rows.map((row) => `${JSON.stringify(row)}\n`).join("");
  const { compileTemplate } = await import("./template.ts");
  const isTable = format.startsWith("table ");
  const text = (isTable ? format.slice(6) : format).replaceAll("\\t", "\t").replaceAll("\\n", "\n");
  const template = compileTemplate(text, { strict: true });
  const lines = rows.map((row) => template(row));
  if (!isTable) return lines.map((line) => `${line}\n`).join("");
  const header = template({ ...layout.headers, Label: (name: unknown) => String(name).split(".").at(-1) });
  return layoutTable([header, ...lines].map((line) => line.split("\t")));
}

function cell(value: unknown): string {
  return typeof value === "string"
    ? value
    : typeof value === "number" || typeof value === "boolean"
      ? String(value)
      : "";
}

/** Reads `--filter key=value` flags into what the API takes: values by key. @throws CliError without `=` */
export function parseFilters(filters: readonly string[]): Record<string, string[]> {
  const byKey: Record<string, string[]> = {};
  for (const filter of filters) {
    const equals = filter.indexOf("=");
    if (equals < 1) throw new CliError(`invalid filter ${JSON.stringify(filter)}: not key=value`);
    const key = filter.slice(0, equals).trim().toLowerCase();
    (byKey[key] ??= []).push(filter.slice(equals + 1).trim());
  }
  return byKey;
}

/** The query parameter for filters; undefined for none. */
export function filterQuery(filters: readonly string[]): string | undefined {
  return filters.length === 0 ? undefined : JSON.stringify(parseFilters(filters));
}
