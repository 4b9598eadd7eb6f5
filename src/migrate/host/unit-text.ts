import type { Span } from "./split-words.ts";

/** One `Key=value` of a unit file. `start` and `end` span the value in the text, continuation lines included. */
export type UnitSetting = Span & {
  readonly section: string;
  readonly key: string;
  /** With continued lines joined by blanks. */
  readonly value: string;
  /** From 1. */
  readonly line: number;
};

/** Reads a unit file or drop-in; lines that are no setting are passed over, as systemd does with a warning. */
export function parseUnitText(text: string): UnitSetting[] {
  const settings: UnitSetting[] = [];
  let section = "";
  for (const { start, end, line } of logicalLines(text)) {
    const content = text.slice(start, end);
    const header = /^\s*\[([^\]]*)\]/.exec(content);
    if (header !== null) {
      section = header[1] ?? "";
      continue;
    }
    const assignment = /^\s*([A-Za-z][A-Za-z0-9-]*)\s*=[ \t]*/.exec(content);
    if (assignment === null) continue;
    const from = start + assignment[0].length;
    const to = start + content.trimEnd().length;
    const value = text.slice(from, Math.max(from, to)).replace(/\\\r?\n(?:[ \t]*[#;][^\n]*\n)*/g, " ");
    settings.push({ section, key: assignment[1] ?? "", value, line, start: from, end: Math.max(from, to) });
  }
  return settings;
}

type LogicalLine = Span & { readonly line: number };

/** Lines that are no comment, each with those it is continued on. */
function logicalLines(text: string): LogicalLine[] {
  const lines: LogicalLine[] = [];
  let open: { start: number; line: number } | undefined;
  let position = 0;
  for (const [index, raw] of text.split("\n").entries()) {
    const end = position + raw.length;
    const isComment = /^\s*[#;]/.test(raw);
    if (open === undefined && !isComment && raw.trim() !== "") open = { start: position, line: index + 1 };
    if (open !== undefined && !isComment && !/\\\r?$/.test(raw)) {
      lines.push({ ...open, end });
      open = undefined;
    }
    position = end + 1;
  }
  if (open !== undefined) lines.push({ ...open, end: text.length });
  return lines;
}
