/**
 * Lines (from 1) of tables and keys in a TOML text, by their whole path, its parts joined by NUL.
 *
 * For showing where something stands: the text must have been read as TOML already. Keys within inline tables and arrays
 * have the line of the key they belong to.
 */
export function tomlLines(text: string): ReadonlyMap<string, number> {
  const lines = new Map<string, number>();
  let table: string[] = [];
  let open: Open = { depth: 0, quote: undefined };
  for (const [index, line] of text.split("\n").entries()) {
    if (open.depth > 0 || open.quote !== undefined) {
      open = scan(line, open);
      continue;
    }
    const header = /^\s*\[\[?(.+?)\]?\]\s*(?:#.*)?$/.exec(line);
    const key = header === null ? splitKey(line) : undefined;
    if (header !== null) {
      table = partsOf(header[1] ?? "");
      addLine(lines, table, index + 1);
    } else if (key !== undefined) {
      addLine(lines, [...table, ...key.parts], index + 1);
      open = scan(key.rest, { depth: 0, quote: undefined });
    }
  }
  return lines;
}

/** Line of a key, or of the nearest table above it that is there. */
export function lineOf(lines: ReadonlyMap<string, number>, path: readonly string[]): number | undefined {
  for (let length = path.length; length > 0; length--) {
    const line = lines.get(joined(path.slice(0, length)));
    if (line !== undefined) return line;
  }
  return undefined;
}

/** Brackets and the kind of text that are open at the end of a line. */
type Open = { readonly depth: number; readonly quote: '"""' | "'''" | undefined };

function scan(line: string, { depth, quote }: Open): Open {
  let [brackets, open] = [depth, quote];
  for (let at = 0; at < line.length; at++) {
    const three = line.slice(at, at + 3);
    if (open !== undefined) {
      if (three === open) [open, at] = [undefined, at + 2];
      else if (line[at] === "\\" && open === '"""') at++;
    } else if (three === '"""' || three === "'''") [open, at] = [three, at + 2];
    else if (line[at] === '"' || line[at] === "'") at = endOfText(line, at);
    else if (line[at] === "#") break;
    else if (line[at] === "[" || line[at] === "{") brackets++;
    else if (line[at] === "]" || line[at] === "}") brackets--;
  }
  return { depth: brackets, quote: open };
}

function endOfText(line: string, start: number): number {
  const quote = line[start];
  for (let at = start + 1; at < line.length; at++) {
    if (line[at] === "\\" && quote === '"') at++;
    else if (line[at] === quote) return at;
  }
  return line.length;
}

const keyPart = /\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([\w-]+))\s*/y;

function partsOf(text: string): string[] {
  return splitParts(text).parts;
}

function splitParts(text: string): { parts: string[]; end: number } {
  const parts: string[] = [];
  keyPart.lastIndex = 0;
  let end = 0;
  for (let match = keyPart.exec(text); match !== null; match = keyPart.exec(text)) {
    parts.push(match[1] ?? match[2] ?? match[3] ?? "");
    end = keyPart.lastIndex;
    if (text[end] !== ".") break;
    keyPart.lastIndex = end + 1;
  }
  return { parts, end };
}

function splitKey(line: string): { parts: string[]; rest: string } | undefined {
  const { parts, end } = splitParts(line);
  return parts.length > 0 && line[end] === "=" ? { parts, rest: line.slice(end + 1) } : undefined;
}

function addLine(lines: Map<string, number>, path: readonly string[], line: number): void {
  // A table is begun where its first key is.
  for (let length = 1; length <= path.length; length++) {
    const key = joined(path.slice(0, length));
    if (!lines.has(key) || length === path.length) lines.set(key, line);
  }
}

function joined(path: readonly string[]): string {
  return path.join("\0");
}
