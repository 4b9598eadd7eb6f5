/** One word of a command line within a text; `start` and `end` span it with its quotes. */
export type Word = {
  readonly start: number;
  readonly end: number;
  /** Without quotes and escapes. */
  readonly text: string;
};

/** A part of a text. */
export type Span = { readonly start: number; readonly end: number };

/**
 * Splits the words of `text` within `span` as systemd does for `ExecStart=` and for a variable that stands alone: at white
 * space, with single and double quotes, a backslash before a newline being white space. Comment lines between continued
 * ones are passed over.
 *
 * Source: systemd.service(5), "Command lines"; systemd.syntax(7).
 */
export function splitWords(text: string, span: Span): Word[] {
  const words: Word[] = [];
  let at = span.start;
  for (;;) {
    at = skipBlank(text, at, span.end);
    if (at >= span.end) return words;
    const word = readWord(text, at, span.end);
    words.push(word);
    at = word.end;
  }
}

/** First position at or after `at` that is neither white space, a continuation nor a comment line after one. */
function skipBlank(text: string, at: number, end: number): number {
  let position = at;
  while (position < end) {
    const rest = text.slice(position, Math.min(position + 3, end));
    const continuation = /^\\\r?\n/.exec(rest);
    if (continuation !== null) {
      position = skipComments(text, position + continuation[0].length, end);
    } else if (/\s/.test(text[position] ?? "")) position++;
    else return position;
  }
  return end;
}

function skipComments(text: string, at: number, end: number): number {
  const comment = /[ \t]*[#;][^\n]*\n/y;
  let position = at;
  for (;;) {
    comment.lastIndex = position;
    const match = comment.exec(text);
    if (match === null || position + match[0].length > end) return position;
    position += match[0].length;
  }
}

function readWord(text: string, start: number, end: number): Word {
  let quote = "";
  let value = "";
  let at = start;
  for (; at < end; at++) {
    const char = text[at] ?? "";
    if (char === "\\" && at + 1 < end) {
      if (quote === "" && /^\\\r?\n/.test(text.slice(at, at + 3))) break;
      at++;
      value += text[at] ?? "";
    } else if (quote !== "") {
      if (char === quote) quote = "";
      else value += char;
    } else if (char === '"' || char === "'") quote = char;
    else if (/\s/.test(char)) break;
    else value += char;
  }
  return { start, end: at, text: value };
}
