const padding = 3;

/**
 * Rows in columns as Docker lays them out: a column is as wide as its widest cell and three, at least ten; the last
 * one is not padded.
 */
export function layoutTable(rows: readonly (readonly string[])[], minWidth = 10): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [at, cell] of row.entries()) {
      if (at < row.length - 1) widths[at] = Math.max(widths[at] ?? minWidth, widthOf(cell) + padding);
    }
  }
  return rows
    .map((row) => row.map((cell, at) => (at < row.length - 1 ? fill(cell, widths[at] ?? minWidth) : cell)).join(""))
    .map((line) => `${line}\n`)
    .join("");
}

function fill(cell: string, width: number): string {
  return cell + " ".repeat(Math.max(0, width - widthOf(cell)));
}

function widthOf(cell: string): number {
  return /^[\x00-\x7f]*$/.test(cell) ? cell.length : Array.from(cell).length;
}
