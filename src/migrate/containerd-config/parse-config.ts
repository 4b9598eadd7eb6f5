import { parse, TomlError, type TomlTable } from "smol-toml";
import { EngineError } from "#base/errors.ts";
import type { HostText } from "../host/read-unit.ts";
import type { Source } from "../host/source.ts";
import { lineOf, tomlLines } from "../toml/toml-lines.ts";
import type { KeyPath } from "./leaf.ts";

/** A `config.toml` of containerd's. */
export type ContainerdConfig = HostText & {
  /** As the file says; 1 where it says nothing. */
  readonly version: number;
  readonly tree: TomlTable;
  /** Where a key stands, or the nearest table above it. */
  readonly sourceOf: (path: KeyPath) => Source;
};

/** @throws invalidArgument with line and column for a text that is no TOML, or a version that is no number */
export function parseContainerdConfig({ path, text }: HostText): ContainerdConfig {
  const tree = parseTree(path, text);
  const version = tree["version"] ?? 1;
  if (typeof version !== "number" || !Number.isSafeInteger(version) || version < 0) {
    throw new EngineError("invalidArgument", `${path}: version: must be a whole number`);
  }
  const lines = tomlLines(text);
  const rows = text.split("\n");
  return {
    path,
    text,
    version: Math.max(1, version),
    tree,
    sourceOf: (key) => {
      const line = lineOf(lines, key);
      const excerpt = line === undefined ? undefined : rows[line - 1]?.trim().slice(0, 200);
      return {
        t: "file",
        path,
        ...(line !== undefined && { line }),
        // A line may hold a password.
        ...(excerpt !== undefined && !/password|auth|token/i.test(excerpt) && { excerpt }),
      };
    },
  };
}

function parseTree(path: string, text: string): TomlTable {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // Its message goes on with a picture of the place.
    const [why = ""] = error.message.replace(/^Invalid TOML document: /, "").split("\n");
    throw new EngineError("invalidArgument", `${path}: line ${error.line}, column ${error.column}: ${why}`, {
      cause: error,
    });
  }
}
