import { CliError } from "../cli-error.ts";

/** A value inside an action. */
export type Operand =
  | { readonly t: "dot" }
  | { readonly t: "literal"; readonly value: unknown }
  | { readonly t: "variable"; readonly name: string }
  | { readonly t: "field"; readonly of: Operand; readonly name: string }
  | { readonly t: "function"; readonly name: string }
  | { readonly t: "pipeline"; readonly pipeline: Pipeline };

/** Commands; the result of each is the last argument of the next. */
export type Pipeline = { readonly declares: readonly string[]; readonly commands: readonly (readonly Operand[])[] };

export type TemplateNode =
  | { readonly t: "text"; readonly text: string }
  | { readonly t: "action"; readonly pipeline: Pipeline }
  | {
      readonly t: "if" | "range" | "with";
      readonly pipeline: Pipeline;
      readonly body: readonly TemplateNode[];
      readonly otherwise: readonly TemplateNode[];
    };

type Piece = { readonly action: boolean; readonly text: string };

/** Reads a Go text/template, as far as command lines use it. @throws CliError that says what is wrong */
export function parseTemplate(source: string): readonly TemplateNode[] {
  const pieces = splitActions(source);
  const { nodes, end } = parseList(pieces, 0);
  if (end !== undefined) throw broken(`unexpected {{${end.word}}}`);
  return nodes;
}

function splitActions(source: string): Piece[] {
  const pieces: Piece[] = [];
  let trimNext = false;
  let at = 0;
  while (at < source.length) {
    const open = source.indexOf("{{", at);
    const raw = source.slice(at, open < 0 ? undefined : open);
    const trimEnd = open >= 0 && /^\{\{-\s/.test(source.slice(open));
    let text = trimNext ? raw.trimStart() : raw;
    if (trimEnd) text = text.trimEnd();
    if (text !== "") pieces.push({ action: false, text });
    if (open < 0) break;
    const close = findClose(source, open + 2);
    let inner = source.slice(open + (trimEnd ? 3 : 2), close);
    trimNext = /\s-$/.test(inner);
    if (trimNext) inner = inner.slice(0, -1);
    if (!inner.trim().startsWith("/*")) pieces.push({ action: true, text: inner.trim() });
    at = close + 2;
  }
  return pieces;
}

function findClose(source: string, from: number): number {
  let quote = "";
  for (let at = from; at < source.length; at++) {
    const char = source[at] ?? "";
    if (quote !== "") {
      if (char === "\\" && quote === '"') at++;
      else if (char === quote) quote = "";
    } else if (char === '"' || char === "`") quote = char;
    else if (char === "}" && source[at + 1] === "}") return at;
  }
  throw broken("unclosed action");
}

type End = { readonly word: "end" | "else"; readonly rest: string; readonly at: number };

function parseList(
  pieces: readonly Piece[],
  from: number,
): { nodes: TemplateNode[]; at: number; end: End | undefined } {
  const nodes: TemplateNode[] = [];
  let at = from;
  while (at < pieces.length) {
    const { action, text } = pieces[at] ?? { action: false, text: "" };
    at++;
    if (!action) {
      nodes.push({ t: "text", text });
      continue;
    }
    const [, word = "", rest = ""] = /^(\w+)?\s*([\s\S]*)$/.exec(text) ?? [];
    if (word === "end" || word === "else") return { nodes, at, end: { word, rest, at } };
    if (word === "if" || word === "range" || word === "with") {
      const block = parseBlock(pieces, at, word, rest);
      nodes.push(block.node);
      at = block.at;
    } else nodes.push({ t: "action", pipeline: parsePipeline(text) });
  }
  return { nodes, at, end: undefined };
}

function parseBlock(
  pieces: readonly Piece[],
  from: number,
  t: "if" | "range" | "with",
  condition: string,
): { node: TemplateNode; at: number } {
  const pipeline = parsePipeline(condition);
  const first = parseList(pieces, from);
  if (first.end === undefined) throw broken(`{{${t}}} without {{end}}`);
  if (first.end.word === "end") return { node: { t, pipeline, body: first.nodes, otherwise: [] }, at: first.at };
  const chained = /^(if|with)\s+([\s\S]+)$/.exec(first.end.rest);
  if (chained !== null) {
    const inner = parseBlock(pieces, first.at, chained[1] === "with" ? "with" : "if", chained[2] ?? "");
    return { node: { t, pipeline, body: first.nodes, otherwise: [inner.node] }, at: inner.at };
  }
  const second = parseList(pieces, first.at);
  if (second.end?.word !== "end") throw broken("{{else}} without {{end}}");
  return { node: { t, pipeline, body: first.nodes, otherwise: second.nodes }, at: second.at };
}

const token = /\s*(?:("(?:\\.|[^"\\])*")|(`[^`]*`)|([+-]?\d+(?:\.\d+)?)|(\$\w*)|((?:\.\w+)+|\.)|(\w+)|(:=|[|(),=]))/y;

type Token = {
  readonly kind: "value" | "variable" | "field" | "word" | "sign";
  readonly text: string;
  readonly space: boolean;
};

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  token.lastIndex = 0;
  while (text.slice(token.lastIndex).trim() !== "") {
    const from = token.lastIndex;
    const match = token.exec(text);
    if (match === null) throw broken(`unexpected ${JSON.stringify(text.slice(from).trim())}`);
    const space = /^\s/.test(match[0]);
    const value = match[1] ?? match[2] ?? match[3];
    if (value !== undefined) tokens.push({ kind: "value", text: value, space });
    else if (match[4] !== undefined) tokens.push({ kind: "variable", text: match[4], space });
    else if (match[5] !== undefined) tokens.push({ kind: "field", text: match[5], space });
    else if (match[6] !== undefined) tokens.push({ kind: "word", text: match[6], space });
    else tokens.push({ kind: "sign", text: match[7] ?? "", space });
  }
  return tokens;
}

function parsePipeline(text: string): Pipeline {
  const tokens = tokenize(text);
  const assign = tokens.findIndex((one) => one.text === ":=" || one.text === "=");
  const declares = assign < 0 ? [] : tokens.slice(0, assign).filter((one) => one.kind === "variable");
  const rest = tokens.slice(assign + 1);
  const pipeline = parseCommands(rest);
  if (rest.length > 0) throw broken(`unexpected ${rest[0]?.text ?? ""}`);
  return { declares: declares.map((one) => one.text), commands: pipeline };
}

/** Eats tokens up to the end or a closing parenthesis. */
function parseCommands(tokens: Token[]): Operand[][] {
  const commands: Operand[][] = [];
  let command: Operand[] = [];
  while (tokens.length > 0 && tokens[0]?.text !== ")") {
    if (tokens[0]?.kind === "sign" && tokens[0].text === "|") {
      tokens.shift();
      commands.push(command);
      command = [];
    } else command.push(parseOperand(tokens));
  }
  commands.push(command);
  if (commands.some((one) => one.length === 0)) throw broken("missing value");
  return commands;
}

function parseOperand(tokens: Token[]): Operand {
  const first = tokens.shift();
  if (first === undefined) throw broken("missing value");
  let operand = operandOf(first, tokens);
  while (tokens[0]?.kind === "field" && !tokens[0].space) operand = fieldsOf(operand, tokens.shift()?.text ?? "");
  return operand;
}

function operandOf({ kind, text }: Token, tokens: Token[]): Operand {
  if (kind === "value") return { t: "literal", value: literalOf(text) };
  if (kind === "variable") return { t: "variable", name: text };
  if (kind === "field") return fieldsOf({ t: "dot" }, text);
  if (kind === "word") {
    if (text === "true" || text === "false") return { t: "literal", value: text === "true" };
    return text === "nil" ? { t: "literal", value: undefined } : { t: "function", name: text };
  }
  if (text !== "(") throw broken(`unexpected ${text}`);
  const commands = parseCommands(tokens);
  if (tokens.shift()?.text !== ")") throw broken("unclosed parenthesis");
  return { t: "pipeline", pipeline: { declares: [], commands } };
}

function fieldsOf(of: Operand, dotted: string): Operand {
  let operand = of;
  for (const name of dotted.split(".")) if (name !== "") operand = { t: "field", of: operand, name };
  return operand;
}

function literalOf(text: string): unknown {
  if (text.startsWith("`")) return text.slice(1, -1);
  return JSON.parse(text.replace(/^\+/, ""));
}

function broken(why: string): CliError {
  return new CliError(`template parsing error: ${why}`, { next: "a template looks like '{{.Names}}'" });
}
