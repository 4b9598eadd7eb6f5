import { findDockerCommands, tools, type FoundCommand } from "./explain-command.ts";
import type { ToolName, Translation } from "./tools/tool.ts";

export type Rewritten = {
  readonly text: string;
  /** Commands that are in the tool's words now. */
  readonly rewritten: number;
  /** Commands left as they were; a comment above each says why. */
  readonly left: number;
};

const mark = "# ferry explain:";

/** A command's new words, in place of a part of the script. */
type Edit = { readonly start: number; readonly end: number; readonly text: string; readonly commentLine: number };

/**
 * A script with its docker commands in `tool`'s words, and a comment above each line on which something differs. What cannot
 * be said in these words stays, with a comment too. Everything else stays to the byte.
 */
export function rewriteScript(script: string, tool: ToolName): Rewritten {
  let text = script;
  let [rewritten, left] = [0, 0];
  const lines = script.split("\n");
  const edits: Edit[] = [];
  const remarks = new Map<number, string[]>();
  let next = Infinity;
  // From the last one back: a command within another's $(…) is done before the one around it, and no place above moves.
  for (const known of findDockerCommands(script).reverse()) {
    const isAsItWas = known.end <= next;
    const command = isAsItWas ? known : findDockerCommands(text).find(({ start }) => start === known.start);
    next = known.start;
    if (command === undefined) continue;
    const { start, end } = known;
    const { line, notes } = translate(text, command, tool);
    const commentLine = firstOfContinued(lines, known.commentLine);
    if (line === undefined) left++;
    else {
      rewritten++;
      text = text.slice(0, start) + line + text.slice(command.end);
      // Those within it are in its text.
      while ((edits.at(-1)?.start ?? end) < end) edits.pop();
      edits.push({ start, end, text: line, commentLine });
    }
    remarks.set(commentLine, [...notes, ...(remarks.get(commentLine) ?? [])]);
  }
  return { text: compose(lines, edits.reverse(), remarks), rewritten, left };
}

function translate(text: string, { words, parsed }: FoundCommand, tool: ToolName): Translation {
  if (typeof parsed === "string") return { line: undefined, notes: [`not understood: ${parsed}`] };
  const { line, notes } = tools[tool](parsed);
  if (line === undefined) return { line, notes: [`no ${tool} command: ${notes.join("; ")}`] };
  // A redirection between the words would be lost.
  const between = words.slice(1).map((word, at) => text.slice(words[at]?.end ?? word.start, word.start));
  if (between.some((gap) => gap.replaceAll("\\\n", "").trim() !== "")) {
    return { line: undefined, notes: [`a redirection stands between the words; in ${tool}: ${line}`] };
  }
  if (/\b(NAMESPACE|POD|CONTAINER|NAME|LOCAL:REMOTE)\b/.test(line)) {
    return { line: undefined, notes: [`fill in: ${line}`, ...notes] };
  }
  return { line, notes };
}

/** A comment within a continued line would end it. */
function firstOfContinued(lines: readonly string[], line: number): number {
  let first = line;
  while (first > 1 && lines[first - 2]?.endsWith("\\") === true) first--;
  return first;
}

/** The script with edits, in their order, and remarks above its own lines: one within what is replaced stands above that. */
function compose(
  lines: readonly string[],
  edits: readonly Edit[],
  remarks: ReadonlyMap<number, readonly string[]>,
): string {
  const pieces: string[] = [];
  let [at, nextEdit] = [0, 0];
  const script = lines.join("\n");
  const copyUntil = (to: number) => {
    for (let edit = edits[nextEdit]; edit !== undefined && edit.start < to; edit = edits[++nextEdit]) {
      pieces.push(script.slice(at, edit.start), edit.text);
      at = edit.end;
    }
    pieces.push(script.slice(at, to));
    at = Math.max(at, to);
  };
  let start = 0;
  const above = remarksAbove(lines, edits, remarks);
  for (const [index, line] of lines.entries()) {
    const notes = above.get(index + 1);
    if (notes !== undefined) {
      copyUntil(start);
      const indent = /^\s*/.exec(line)?.[0] ?? "";
      for (const note of new Set(notes)) pieces.push(`${indent}${mark} ${note}\n`);
    }
    start += line.length + 1;
  }
  copyUntil(script.length);
  return pieces.join("");
}

function remarksAbove(
  lines: readonly string[],
  edits: readonly Edit[],
  remarks: ReadonlyMap<number, readonly string[]>,
): ReadonlyMap<number, readonly string[]> {
  const starts: number[] = [];
  for (let [index, start] = [0, 0]; index < lines.length; start += (lines[index]?.length ?? 0) + 1, index++) {
    starts.push(start);
  }
  const above = new Map<number, readonly string[]>();
  for (const [line, notes] of [...remarks].sort(([a], [b]) => a - b)) {
    const place = starts[line - 1] ?? 0;
    const around = edits.find(({ start, end }) => start < place && place < end);
    const commentLine = around?.commentLine ?? line;
    above.set(commentLine, [...(above.get(commentLine) ?? []), ...notes]);
  }
  return above;
}
