const context = 3;

type Line = { readonly mark: " " | "-" | "+"; readonly text: string };

/** What changes in a file, as `diff -u` shows it; empty when nothing does. `before` undefined is a new file. */
export function unifiedDiff(before: string | undefined, after: string, path: string): string {
  if (before === after) return "";
  const lines = compare(linesOf(before ?? ""), linesOf(after));
  const head = `--- ${before === undefined ? "/dev/null" : `a${path}`}\n+++ b${path}\n`;
  return (
    head +
    hunks(lines)
      .map((hunk) => formatHunk(lines, hunk))
      .join("")
  );
}

function linesOf(text: string): string[] {
  return text === "" ? [] : text.replace(/\n$/, "").split("\n");
}

/** Beyond some thousand lines on both sides, what is there goes and the new comes. */
const maxCells = 16 << 20;

/** By the longest common sequence; configuration files are short. */
function compare(before: readonly string[], after: readonly string[]): Line[] {
  if (before.length * after.length > maxCells) {
    return [...before.map((text): Line => ({ mark: "-", text })), ...after.map((text): Line => ({ mark: "+", text }))];
  }
  const width = after.length + 1;
  const longest = new Uint32Array((before.length + 1) * width);
  const at = (i: number, j: number) => longest[i * width + j] ?? 0;
  for (let i = before.length - 1; i >= 0; i--) {
    for (let j = after.length - 1; j >= 0; j--) {
      longest[i * width + j] = before[i] === after[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const lines: Line[] = [];
  let [i, j] = [0, 0];
  while (i < before.length || j < after.length) {
    if (i < before.length && j < after.length && before[i] === after[j]) {
      lines.push({ mark: " ", text: before[i] ?? "" });
      i++;
      j++;
    } else if (i < before.length && (j >= after.length || at(i + 1, j) >= at(i, j + 1))) {
      lines.push({ mark: "-", text: before[i++] ?? "" });
    } else lines.push({ mark: "+", text: after[j++] ?? "" });
  }
  return lines;
}

type Range = { readonly from: number; readonly to: number };

/** Ranges of lines with a change and what is around it; those that touch are one. */
function hunks(lines: readonly Line[]): Range[] {
  const found: { from: number; to: number }[] = [];
  for (const [index, { mark }] of lines.entries()) {
    if (mark === " ") continue;
    const from = Math.max(0, index - context);
    const to = Math.min(lines.length, index + context + 1);
    const last = found.at(-1);
    if (last !== undefined && from <= last.to) last.to = to;
    else found.push({ from, to });
  }
  return found;
}

function formatHunk(lines: readonly Line[], { from, to }: Range): string {
  const before = (until: number, mark: "-" | "+") => lines.slice(0, until).filter((line) => line.mark !== mark).length;
  const side = (mark: "-" | "+") => {
    const start = before(from, mark);
    const length = before(to, mark) - start;
    return `${length === 0 ? start : start + 1},${length}`;
  };
  const body = lines.slice(from, to).map(({ mark, text }) => `${mark}${text}\n`);
  return `@@ -${side("+")} +${side("-")} @@\n${body.join("")}`;
}
