import type { TomlTable, TomlValue } from "smol-toml";
import { shellWord } from "#base/shell-word.ts";
import type { DockerRuntime } from "../../docker-config/daemon-keys.ts";
import type { Fact } from "../../host/source.ts";
import type { Destination } from "../../ledger/ledger.ts";
import type { Draft } from "../draft.ts";
import { getIn, isTomlTable, setIn } from "../../toml/toml-tree.ts";
import type { Rules } from "./rule.ts";

/** OCI runtimes and shims. The tables are written in {@link putHandlers}, when all that is in them is known. */
export const handlerRules: Rules<"runtimes" | "default-runtime"> = {
  runtimes: (fact, draft) => {
    for (const [name, runtime] of Object.entries(fact.value)) {
      convertRuntime(name, { value: runtime, source: fact.source }, draft);
    }
  },
  "default-runtime": convertDefault,
};

/**
 * Writes the handlers, those that were there among them, with `SystemdCgroup` on each that takes it: one left out breaks the
 * pods of its RuntimeClass.
 */
export function putHandlers(draft: Draft): void {
  const isContainerd = draft.spec.target === "containerd";
  const tables: TomlTable = { ...handlersThere(draft) };
  if (isContainerd && !draft.handlers.has("runc") && tables["runc"] === undefined) {
    draft.handlers.set("runc", { type: draft.spec.ociRuntimeType, options: {} });
  }
  for (const [name, { type, options }] of draft.handlers) {
    tables[name] = { runtime_type: type, ...(Object.keys(options).length > 0 && { options }) };
  }
  for (const table of isContainerd ? Object.values(tables) : []) {
    const type = isTomlTable(table) ? table["runtime_type"] : undefined;
    if (!isTomlTable(table) || typeof type !== "string" || !type.startsWith("io.containerd.runc.")) continue;
    setIn(table, ["options", "SystemdCgroup"], draft.systemdCgroup);
  }
  if (Object.keys(tables).length > 0) draft.put("runtimes", tables);
}

function handlersThere(draft: Draft): TomlTable {
  const there = getIn(draft.config, draft.spec.places.runtimes ?? []);
  return isTomlTable(there) ? there : {};
}

function convertRuntime(name: string, fact: Fact<DockerRuntime>, draft: Draft): void {
  const key = `runtimes.${name}`;
  const { path = name, runtimeArgs = [], runtimeType, options } = fact.value;
  if (name === "runc") {
    draft.record("invalid", key, fact, { note: "runtime name 'runc' is reserved", action: "give it another name" });
    return;
  }
  const places = draft.place("runtimes");
  const to: Destination[] = places === undefined ? [] : [{ ...places, key: `${places.key}.${name}` }];
  if (runtimeType !== undefined) {
    draft.handlers.set(name, { type: runtimeType, options: tomlOptions(options) });
    draft.record("kept", key, fact, { to, note: `a shim; ${choiceNote(name, draft)}` });
    return;
  }
  const wrapper = runtimeArgs.length === 0 ? undefined : addWrapper(name, path, runtimeArgs, draft);
  draft.handlers.set(name, { type: draft.spec.ociRuntimeType, options: { BinaryName: wrapper?.file ?? path } });
  draft.record(wrapper === undefined ? "kept" : "changed", key, fact, {
    to: [...to, wrapper],
    note:
      wrapper === undefined
        ? choiceNote(name, draft)
        : "there is no setting for its arguments: a script passes them, as dockerd's own did",
  });
}

function choiceNote(name: string, draft: Draft): string {
  const note = `pods choose it by a RuntimeClass with handler: ${name}`;
  return draft.spec.target === "ferry" ? `${note}; it must be installed when ferryd starts` : note;
}

/** dockerd writes the same script below its data root. Source: moby `daemon/runtime_unix.go`. */
function addWrapper(name: string, path: string, args: readonly string[], draft: Draft): Destination {
  const file = `/usr/local/sbin/${name.replaceAll(/[^\w.-]/g, "_")}-wrapper`;
  const words = [path, ...args].map(shellWord).join(" ");
  draft.files.push({
    path: file,
    mode: 0o755,
    content: `#!/bin/sh\nexec ${words} "$@"\n`,
    why: `passes the arguments of runtime ${name}`,
  });
  return { file, key: "exec" };
}

function convertDefault(fact: Fact<string>, draft: Draft, key: string): void {
  const { value } = fact;
  if (value === "runc") {
    draft.record("unneeded", key, fact, { note: "the default anyway" });
    return;
  }
  const isShim = value.startsWith("io.containerd.");
  const name = isShim ? (value.split(".")[2] ?? value) : value;
  if (isShim) draft.handlers.set(name, { type: value, options: {} });
  else if (draft.settings.runtimes?.value[value] === undefined) {
    draft.record("invalid", key, fact, {
      note: `specified default runtime '${value}' does not exist`,
      action: "name one of runtimes",
    });
    return;
  }
  draft.record("kept", key, fact, {
    to: [draft.put("defaultRuntime", name)],
    note: "for pods without a RuntimeClass",
  });
}

/** Options of a shim as TOML; what TOML has no word for is left out. */
function tomlOptions(options: Readonly<Record<string, unknown>> = {}): Record<string, TomlValue> {
  const isPlain = (value: unknown): value is TomlValue =>
    ["string", "number", "boolean"].includes(typeof value) ||
    (Array.isArray(value) && value.every(isPlain)) ||
    (isTomlTable(value) && Object.values(value).every(isPlain));
  return Object.fromEntries(
    Object.entries(options).flatMap(([name, value]) => (isPlain(value) ? [[name, value] as const] : [])),
  );
}
