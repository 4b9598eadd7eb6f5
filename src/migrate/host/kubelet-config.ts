import { LineCounter, parseDocument, isMap, isScalar } from "yaml";
import type { HostRoot } from "./host-root.ts";
import type { HostText } from "./read-unit.ts";

/** A KubeletConfiguration file, YAML or JSON. */
export type KubeletConfigFile = HostText & {
  /** Scalars at the top, by field: text of the value and its line, from 1. */
  readonly fields: ReadonlyMap<string, { readonly value: string; readonly line: number }>;
  /** Why the file cannot be read; its fields are empty then. */
  readonly problem?: string;
};

/** Undefined when there is no such file. */
export async function readKubeletConfig(root: HostRoot, path: string): Promise<KubeletConfigFile | undefined> {
  const text = await root.findText(path);
  return text === undefined ? undefined : parseKubeletConfig({ path, text });
}

/** Drop-ins of `--config-dir`: `*.conf`, in order of effect. Source: kubernetes.io, "Kubelet Configuration Directory Merging". */
export async function readKubeletConfigDirectory(root: HostRoot, directory: string): Promise<KubeletConfigFile[]> {
  const files: KubeletConfigFile[] = [];
  for (const name of await root.list(directory)) {
    const file = name.endsWith(".conf") ? await readKubeletConfig(root, `${directory}/${name}`) : undefined;
    if (file !== undefined) files.push(file);
  }
  return files;
}

export function parseKubeletConfig({ path, text }: HostText): KubeletConfigFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const fields = new Map<string, { value: string; line: number }>();
  const problem = document.errors[0]?.message.split("\n")[0];
  if (problem !== undefined) return { path, text, fields, problem };
  if (!isMap(document.contents)) return { path, text, fields };
  for (const { key, value } of document.contents.items) {
    const name = isScalar(key) ? scalarText(key.value) : undefined;
    const found = isScalar(value) ? scalarText(value.value) : undefined;
    if (name === undefined || found === undefined || !isScalar(key)) continue;
    fields.set(name, { value: found, line: lines.linePos(key.range?.[0] ?? 0).line });
  }
  return { path, text, fields };
}

function scalarText(value: unknown): string | undefined {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean"
    ? String(value)
    : undefined;
}
