import { isMap, isScalar, parseDocument } from "yaml";
import { EngineError } from "#base/errors.ts";
import { applySplices, type Splice } from "./edit-flags.ts";

/** A field at the top of a KubeletConfiguration and its new value. */
export type FieldEdit = { readonly field: string; readonly value: string | number | boolean };

/**
 * Sets fields of a KubeletConfiguration in YAML or JSON. Only the bytes of those values change: comments, order and style
 * of everything else stay. A field that is not there is added at the end (of JSON: at the beginning).
 *
 * @throws failedPrecondition when the text is no single YAML mapping
 */
export function editKubeletConfig(path: string, text: string, edits: readonly FieldEdit[]): string {
  const document = parseDocument(text);
  const { contents } = document;
  if (document.errors.length > 0 || (contents !== null && !isMap(contents))) {
    throw new EngineError("failedPrecondition", `${path}: not a YAML mapping`);
  }
  const isFlow = contents?.flow === true;
  const splices: Splice[] = [];
  const added: FieldEdit[] = [];
  for (const edit of edits) {
    const pair = contents?.items.find(({ key }) => isScalar(key) && key.value === edit.field);
    const value = pair?.value;
    if (!isScalar(value)) added.push(edit);
    else if (value.value !== edit.value) {
      const [start, end] = value.range ?? [0, 0];
      const isBare = start === end;
      splices.push({ start, end, text: `${isBare ? " " : ""}${scalarText(edit.value, isFlow)}` });
    }
  }
  if (added.length === 0) return applySplices(text, splices);
  const first = contents?.items[0]?.key;
  if (isFlow && isScalar(first)) splices.push(flowAddition(text, first.range?.[0] ?? 0, added));
  else if (isFlow) splices.push(emptyAddition(contents.range?.[0] ?? 0, added));
  return isFlow ? applySplices(text, splices) : withLines(applySplices(text, splices), added);
}

/** A KubeletConfiguration of its own with these fields, for a drop-in directory or kubeadm's instance configuration. */
export function newKubeletConfig(edits: readonly FieldEdit[]): string {
  const head = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n";
  return withLines(head, edits);
}

function withLines(text: string, added: readonly FieldEdit[]): string {
  const lines = added.map(({ field, value }) => `${field}: ${scalarText(value, false)}\n`).join("");
  return text === "" || text.endsWith("\n") ? text + lines : `${text}\n${lines}`;
}

/** Before the first member, with the blank that stands before that. */
function flowAddition(text: string, at: number, added: readonly FieldEdit[]): Splice {
  const blank = /\s*$/.exec(text.slice(0, at))?.[0] ?? "";
  return { start: at, end: at, text: added.map((edit) => `${memberText(edit)},${blank || " "}`).join("") };
}

/** Behind the brace of a mapping that has no member yet. */
function emptyAddition(start: number, added: readonly FieldEdit[]): Splice {
  return { start: start + 1, end: start + 1, text: added.map(memberText).join(", ") };
}

function memberText({ field, value }: FieldEdit): string {
  return `${JSON.stringify(field)}: ${scalarText(value, true)}`;
}

/** Our values are sockets, sizes and words, plain in YAML but for texts that would be read as numbers: `-1` is a size too. */
function scalarText(value: string | number | boolean, isFlow: boolean): string {
  const isNumeric = typeof value === "string" && value.trim() !== "" && !Number.isNaN(Number(value));
  return isFlow || isNumeric ? JSON.stringify(value) : String(value);
}
