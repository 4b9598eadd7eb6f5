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

/**
 * A script with its docker commands in `tool`'s words, and a comment above each line on which something differs. What cannot
 * be said in these words stays, with a comment too. Everything else stays to the byte.
 */
export function rewriteScript(script: string, tool: ToolName): Rewritten {
  let text = script;
  let [rewritten, left] = [0, 0];
  const remarks = new Map<number, string[]>();
  // From the last one back: a command within another's $(…) is done before the one around it.
  for (const { start } of findDockerCommands(script).reverse()) {
    const command = findDockerCommands(text).find((one) => one.start === start);
    if (command === undefined) continue;
    const { line, notes } = translate(text, command, tool);
    if (line === undefined) left++;
    else {
      rewritten++;
      text = text.slice(0, command.start) + line + text.slice(command.end);
    }
    const place = firstOfContinued(text, command.commentLine);
    remarks.set(place, [...notes, ...(remarks.get(place) ?? [])]);
  }
  return { text: withRemarks(text, remarks), rewritten, left };
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
function firstOfContinued(text: string, line: number): number {
  const lines = text.split("\n");
  let first = line;
  while (first > 1 && lines[first - 2]?.endsWith("\\") === true) first--;
  return first;
}

function withRemarks(text: string, remarks: ReadonlyMap<number, readonly string[]>): string {
  return text
    .split("\n")
    .flatMap((line, index) => {
      const indent = /^\s*/.exec(line)?.[0] ?? "";
      const notes = [...new Set(remarks.get(index + 1))];
      return notes.map((note) => `${indent}${mark} ${note}`).concat(line);
    })
    .join("\n");
}
