import { isAlias, isMap, isScalar, isSeq, LineCounter, parseAllDocuments, type Document, type Node } from "yaml";
import { messageOf } from "#base/errors.ts";
import { blockPath, Field, itemPath, memberPath } from "./field.ts";
import type { Place } from "./place.ts";

export type ManifestObject = { readonly object: Field; readonly place: Place };

export type Manifest = {
  readonly objects: readonly ManifestObject[];
  /** Why some of it was not read. */
  readonly problem: string | undefined;
  /** It is a template that a tool renders first (Helm): not wrong, only not read as objects. */
  readonly isTemplate: boolean;
};

/** Larger JSON is read without lines: the tree that knows them takes thirty times its size. */
const maxJsonWithLines = 2 * 1024 * 1024;
/** One document of more is not read: its tree would take some hundred times that. */
const maxDocumentLength = 8 * 1024 * 1024;
const maxAliases = 100;
const maxDepth = 60;
const maxLines = 500_000;

/** Objects of a YAML or JSON file; the members of lists as objects of their own. Never throws. */
export function parseManifest(path: string, text: string): Manifest {
  const problems: string[] = [];
  const objects: ManifestObject[] = [];
  try {
    if (/^\s*[{[]/.test(text) && text.length > maxJsonWithLines) objects.push(...plainObjects(path, JSON.parse(text)));
    else objects.push(...documents(path, text, problems));
  } catch (error) {
    problems.push(messageOf(error).split("\n")[0] ?? "");
  }
  const isTemplate = problems.length > 0 && text.includes("{{");
  const [first] = problems;
  return {
    objects,
    isTemplate,
    problem: isTemplate ? "a template: render it first (helm template), and read what comes out" : first,
  };
}

/** One after the other: only one tree is in memory. What is wrong with one document leaves the others. */
function* documents(path: string, text: string, problems: string[]): Generator<ManifestObject> {
  for (const part of splitDocuments(text)) {
    try {
      yield* documentObjects(path, part, problems);
    } catch (error) {
      problems.push(`line ${part.line}: ${messageOf(error).split("\n")[0] ?? ""}`);
    }
  }
}

type DocumentText = { readonly text: string; /** Of its begin in the file, from 1. */ readonly line: number };

/** `---` at the begin of a line ends a document, wherever it stands. Source: YAML 1.2.2, 9.1.2. */
function* splitDocuments(text: string): Generator<DocumentText> {
  const marker = /^---(?=\s|$)/gm;
  let [start, line] = [0, 1];
  const take = (end: number) => {
    const part = { text: text.slice(start, end), line };
    for (let at = text.indexOf("\n", start); at >= 0 && at < end; at = text.indexOf("\n", at + 1)) line++;
    start = end;
    return part;
  };
  for (const { index } of text.matchAll(marker)) if (index > start) yield take(index);
  yield take(text.length);
}

function* documentObjects(
  path: string,
  { text, line: first }: DocumentText,
  problems: string[],
): Generator<ManifestObject> {
  if (text.length > maxDocumentLength)
    throw new Error(`a document of ${text.length} bytes, the limit is ${maxDocumentLength}`);
  const counter = new LineCounter();
  const options = { lineCounter: counter, merge: true, uniqueKeys: false, logLevel: "silent" } as const;
  const parsed = parseAllDocuments(text, options);
  for (const document of Array.isArray(parsed) ? parsed : []) {
    const [error] = document.errors;
    if (error !== undefined) {
      const line = (error.linePos?.[0].line ?? 1) + first - 1;
      problems.push(`line ${line}: ${error.message.split("\n")[0]?.slice(0, 120) ?? ""}`);
      continue;
    }
    const value = new Field(document.toJS({ maxAliasCount: maxAliases }));
    if (!isObject(value) && !isList(value)) continue;
    const lines = linesOf(document, counter, first - 1);
    const place = { t: "file", path, lines, prefix: "", line: lines.get(".kind") ?? 1 } as const;
    for (const { object, prefix } of unfold(value)) {
      yield { object, place: { ...place, prefix, line: lines.get(prefix === "" ? ".kind" : prefix) ?? place.line } };
    }
  }
}

function* plainObjects(path: string, json: unknown): Generator<ManifestObject> {
  for (const { object, prefix } of unfold(new Field(json))) {
    yield { object, place: { t: "file", path, lines: new Map(), prefix, line: 1 } };
  }
}

/** An object is itself, a list its items. Paths of an item begin at the item. */
function* unfold(value: Field, prefix = ""): Generator<{ object: Field; prefix: string }> {
  if (!isList(value)) {
    if (isObject(value)) yield { object: new Field(value.value), prefix };
    return;
  }
  for (const item of value.at("items").items()) yield* unfold(new Field(item.value), `${prefix}${item.path}`);
}

function isObject(value: Field): boolean {
  return value.at("apiVersion").text !== undefined && value.at("kind").text !== undefined;
}

function isList(value: Field): boolean {
  return (value.at("kind").text ?? "").endsWith("List") && Array.isArray(value.at("items").value);
}

/** The line of every field by its path, of the key where there is one. What an alias stands for has the alias's line. */
function linesOf(document: Document.Parsed, counter: LineCounter, before: number): Map<string, number> {
  const lines = new Map<string, number>();
  const note = (path: string, node: unknown) => {
    const range = isNode(node) ? node.range : undefined;
    if (range !== undefined && range !== null && lines.size < maxLines)
      lines.set(path, before + counter.linePos(range[0]).line);
  };
  const visit = (node: unknown, path: string, depth: number) => {
    if (depth > maxDepth || isAlias(node)) return;
    if (isMap(node)) {
      for (const { key, value } of node.items) {
        const name = isScalar(key) ? String(key.value) : undefined;
        if (name === undefined) continue;
        note(memberPath(path, name), key);
        // A block's text begins in the line below its key: its own lines can be told.
        if (isScalar(value) && value.type === "BLOCK_LITERAL") note(blockPath(memberPath(path, name)), value);
        visit(value, memberPath(path, name), depth + 1);
      }
    } else if (isSeq(node)) {
      for (const [at, item] of node.items.entries()) {
        note(itemPath(path, at), item);
        visit(item, itemPath(path, at), depth + 1);
      }
    }
  };
  visit(document.contents, "", 0);
  return lines;
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "range" in value;
}
