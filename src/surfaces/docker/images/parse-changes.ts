import { EngineError } from "#base/errors.ts";
import type { ImageDefaults } from "#core/images/image-config.ts";

type Changes = { -readonly [K in keyof ImageDefaults]?: ImageDefaults[K] };

/**
 * Dockerfile instructions that change an image's defaults: `CMD ["sh"]`, `ENV A=1`, …
 *
 * @throws invalidArgument for another instruction
 */
export function parseChanges(lines: readonly string[]): Changes {
  const changes: Changes = {};
  for (const line of lines.flatMap((text) => text.split("\n")).map((text) => text.trim())) {
    if (line !== "" && !line.startsWith("#")) apply(changes, line);
  }
  return changes;
}

function apply(changes: Changes, line: string): void {
  const [, instruction = "", rest = ""] = /^(\S+)\s*(.*)$/s.exec(line) ?? [];
  switch (instruction.toUpperCase()) {
    case "CMD":
      changes.cmd = command(rest);
      return;
    case "ENTRYPOINT":
      changes.entrypoint = command(rest);
      return;
    case "ENV":
      changes.env = [...(changes.env ?? []), ...pairs(rest).map(([key, value]) => `${key}=${value}`)];
      return;
    case "LABEL":
      changes.labels = { ...changes.labels, ...Object.fromEntries(pairs(rest)) };
      return;
    case "EXPOSE":
      changes.exposedPorts = [...(changes.exposedPorts ?? []), ...rest.split(/\s+/).map(withProtocol)];
      return;
    case "VOLUME":
      changes.volumes = [...(changes.volumes ?? []), ...(list(rest) ?? rest.split(/\s+/))];
      return;
    case "USER":
      changes.user = rest;
      return;
    case "WORKDIR":
      changes.workingDir = rest;
      return;
    case "STOPSIGNAL":
      changes.stopSignal = rest;
      return;
    case "ONBUILD":
      changes.onBuild = [...(changes.onBuild ?? []), rest];
      return;
    default:
      throw new EngineError("invalidArgument", `${instruction.toUpperCase()} is not a valid change command`);
  }
}

/** `["a","b"]` as it is, anything else for the shell. */
function command(text: string): string[] {
  return list(text) ?? ["/bin/sh", "-c", text];
}

function list(text: string): string[] | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return Array.isArray(parsed) && parsed.every((item) => typeof item === "string") ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** `a=1 b="two words"`, or `a one value` of old. */
function pairs(text: string): [string, string][] {
  const found = [...text.matchAll(/([^\s=]+)=("(?:[^"\\]|\\.)*"|'[^']*'|\S*)/g)];
  if (found.length > 0) return found.map(([, key = "", value = ""]) => [key, unquote(value)]);
  const [, key = text, value = ""] = /^(\S+)\s+(.*)$/s.exec(text) ?? [];
  return [[key, value]];
}

function unquote(value: string): string {
  if (/^".*"$/s.test(value)) return value.slice(1, -1).replaceAll(/\\(.)/g, "$1");
  return /^'.*'$/s.test(value) ? value.slice(1, -1) : value;
}

function withProtocol(port: string): string {
  return port.includes("/") ? port : `${port}/tcp`;
}
