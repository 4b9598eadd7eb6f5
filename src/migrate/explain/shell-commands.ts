/** A word as it stands in shell text. */
export type Word = {
  /** As typed, quotes and all. */
  readonly raw: string;
  /** What it means; undefined when an expansion decides that. */
  readonly text: string | undefined;
};

export type PlacedWord = Word & { readonly start: number; readonly end: number };

/** One simple command: an assignment-free run of words between separators. */
export type ShellCommand = {
  readonly words: readonly PlacedWord[];
  /** Places of the whole command in the text. */
  readonly start: number;
  readonly end: number;
  /** From 1. */
  readonly line: number;
  /** Line above which a comment may stand: that of the outermost quoted word the command is in, if it is in one. */
  readonly commentLine: number;
};

/** Words after which a command begins, and words that run the rest as a command. */
const leading = new Set([
  "then",
  "do",
  "else",
  "elif",
  "if",
  "while",
  "until",
  "!",
  "{",
  "time",
  "exec",
  "sudo",
  "nohup",
  "command",
  "builtin",
]);
const separators = new Set([";", "&", "|", "(", ")", "\n"]);

/**
 * The simple commands in shell text, those within `$(…)` and backticks included, in the order of their starts.
 *
 * Not a shell: bodies of here-documents and comments are skipped, `case` patterns and functions are read well enough to find
 * what runs. Quoted programs (`sh -c '…'`) stay closed.
 */
export function findShellCommands(text: string): ShellCommand[] {
  const found: ShellCommand[] = [];
  scan({ text, found, lineOf: lineCounter(text) }, 0, undefined);
  return found.sort((a, b) => a.start - b.start);
}

type Scan = {
  readonly text: string;
  readonly found: ShellCommand[];
  readonly lineOf: (at: number) => number;
  /** Where the outermost double quotes around this place begin. */
  readonly quotedFrom?: number;
};

/** Reads commands from `from` until `closer` (`)` or a backtick) or the end; where it stopped. */
function scan(to: Scan, from: number, closer: string | undefined): number {
  const { text } = to;
  let at = from;
  let words: PlacedWord[] = [];
  const hereDocuments: string[] = [];
  const finish = () => {
    const command = words.slice(firstWord(words));
    const [first, last] = [command[0], command.at(-1)];
    if (first !== undefined && last !== undefined) {
      const commentLine = to.lineOf(to.quotedFrom ?? first.start);
      to.found.push({
        words: command,
        start: first.start,
        end: last.end,
        line: to.lineOf(first.start),
        commentLine,
      });
    }
    words = [];
  };
  while (at < text.length) {
    const here = text[at] ?? "";
    if (here === closer) break;
    if (here === "\n") {
      finish();
      at = skipHereDocuments(text, at + 1, hereDocuments);
    } else if (text.startsWith("\\\n", at)) at += 2;
    else if (here === " " || here === "\t") at++;
    else if (here === "#") at = endOfLine(text, at);
    else if (separators.has(here)) {
      finish();
      at++;
    } else if (here === "<" || here === ">") at = redirection(to, at, hereDocuments);
    else {
      const end = wordEnd(to, at, closer);
      // The digit in `2>&1` belongs to the redirection.
      const isDescriptor = /^\d+$/.test(text.slice(at, end)) && /[<>]/.test(text[end] ?? "");
      if (!isDescriptor) words.push({ ...word(text.slice(at, end)), start: at, end });
      at = end;
    }
  }
  finish();
  return at;
}

/** Past `VAR=value`, `sudo -E`, `then` and the like. */
function firstWord(words: readonly Word[]): number {
  let at = 0;
  for (; at < words.length; at++) {
    const { raw } = words[at] ?? { raw: "" };
    if (leading.has(raw) || /^[A-Za-z_]\w*=/.test(raw)) continue;
    const isOptionOfSudo = raw.startsWith("-") && at > 0 && words[at - 1]?.raw === "sudo";
    if (!isOptionOfSudo) break;
  }
  return at;
}

function wordEnd(to: Scan, from: number, closer: string | undefined): number {
  const { text } = to;
  let at = from;
  while (at < text.length) {
    const here = text[at] ?? "";
    if (here === closer || here === " " || here === "\t" || here === "<" || here === ">" || separators.has(here)) break;
    at = afterPiece(to, at);
  }
  return at;
}

/** Past one character, or one quoted or expanded piece. */
function afterPiece(to: Scan, at: number): number {
  const { text } = to;
  const here = text[at];
  if (here === "\\") return at + 2;
  if (here === "'") return closing(text, "'", at + 1);
  if (here === "`") return scan(to, at + 1, "`") + 1;
  if (text.startsWith("$((", at)) return closing(text, "))", at + 3) + 1;
  if (text.startsWith("$(", at)) return scan(to, at + 2, ")") + 1;
  if (text.startsWith("${", at)) return closing(text, "}", at + 2);
  if (here !== '"') return at + 1;
  let inner = at + 1;
  while (inner < text.length && text[inner] !== '"') {
    const isCommand = text.startsWith("$(", inner) || text[inner] === "`" || text[inner] === "\\";
    inner = isCommand ? afterPiece({ ...to, quotedFrom: to.quotedFrom ?? at }, inner) : inner + 1;
  }
  return inner + 1;
}

/** Past `>file`, `2>&1`; notes the end mark of a here-document. */
function redirection(to: Scan, from: number, hereDocuments: string[]): number {
  const { text } = to;
  const [operator = ""] = /^(?:<<<|<<-?|[<>]&|>>|[<>])/.exec(text.slice(from, from + 3)) ?? [];
  let at = from + operator.length;
  while (text[at] === " ") at++;
  const end = wordEnd(to, at, undefined);
  if (operator === "<<" || operator === "<<-") hereDocuments.push(text.slice(at, end).replaceAll(/["'\\]/g, ""));
  return Math.max(end, at + 1);
}

function skipHereDocuments(text: string, from: number, marks: string[]): number {
  let at = from;
  for (const mark of marks.splice(0)) {
    while (at < text.length) {
      const end = endOfLine(text, at);
      const line = text.slice(at, end);
      at = end + 1;
      if (line.trim() === mark) break;
    }
  }
  return at;
}

/** Says of a place in which line it is, from 1. A script may be long, and have a command in each. */
function lineCounter(text: string): (at: number) => number {
  const starts = [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)];
  return (at) => {
    let [low, high] = [0, starts.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? 0) <= at) low = middle;
      else high = middle;
    }
    return low + 1;
  };
}

function endOfLine(text: string, at: number): number {
  const end = text.indexOf("\n", at);
  return end < 0 ? text.length : end;
}

function closing(text: string, mark: string, from: number): number {
  const at = text.indexOf(mark, from);
  return at < 0 ? text.length : at + 1;
}

/** A word's meaning, unless `$` or a backtick outside of single quotes has a say. */
function word(raw: string): Word {
  const text = raw.replaceAll(
    /'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)/gs,
    (_, single: string, double: string, escaped: string) =>
      single !== undefined ? single : double !== undefined ? double.replaceAll(/\\(["\\$`])/g, "$1") : (escaped ?? ""),
  );
  const expands = raw.replaceAll(/'[^']*'|\\./gs, "");
  return { raw, text: /[$`]/.test(expands) ? undefined : text };
}
