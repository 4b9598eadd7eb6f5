import { openSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "#base/errors.ts";
import { command, startDaemon, unmountBelow } from "./processes.ts";
import { findBinary } from "./require.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

/** Another version can be named: `FERRY_TEST_CONTAINERD=/opt/containerd-2.3/bin/containerd`. */
export const containerdBinary = process.env["FERRY_TEST_CONTAINERD"] ?? "containerd";

/** As it says itself: `1.6.20~ds1`. */
export async function containerdVersion(): Promise<string> {
  return (await command([containerdBinary, "--version"])).split(" ")[2] ?? "";
}

/** What a containerd made of a configuration, with a root and a socket of its own. */
export type ContainerdRun = {
  readonly hasStarted: boolean;
  /** What it said at level warning and above, and why it ended; without paths of this run. */
  readonly complaints: ReadonlySet<string>;
};

/** Starts containerd with `config` and ends it again. `files` are further ones beside it, by name. */
export async function runContainerd(
  config: string,
  files: Readonly<Record<string, string>> = {},
): Promise<ContainerdRun> {
  await using directory = await temporaryDirectory("containerd");
  const at = (name: string) => join(directory.path, name);
  await mkdir(at("s"));
  for (const [name, text] of Object.entries({ ...files, "config.toml": config })) await writeFile(at(name), text);
  const argv = [findBinary(containerdBinary) ?? containerdBinary, "--config", at("config.toml"), "--root", at("r")];
  const own = ["--state", at("s"), "--address", at("s/c.sock"), "--log-level", "info"];
  const ready = async () => (await readFile(at("log"), "utf8")).includes("containerd successfully booted");
  const hasStarted = await runOnce([...argv, ...own], ready, at("log"));
  await unmountBelow(directory.path);
  const lines = (await readFile(at("log"), "utf8")).split("\n");
  const bad = lines.filter((line) => /level"?[=:]"?(warn|error|fatal)|^containerd: /.test(line));
  return { hasStarted, complaints: new Set(bad.map((line) => complaintOf(line).replaceAll(directory.path, ""))) };
}

async function runOnce(argv: readonly string[], ready: () => Promise<boolean>, log: string): Promise<boolean> {
  try {
    await using _daemon = await startDaemon(argv, ready, { log: openSync(log, "w") });
    return true;
  } catch (error) {
    if (/before it was ready/.test(messageOf(error))) return false;
    throw error;
  }
}

function complaintOf(line: string): string {
  return line.startsWith("containerd: ") ? line : `${fieldOf(line, "msg")} (${fieldOf(line, "error")})`;
}

/** Of a log line in either of containerd's formats. */
function fieldOf(line: string, name: string): string {
  const text = new RegExp(`"?${name}"?[=:]("(?:[^"\\\\]|\\\\.)*"|\\S+)`).exec(line)?.[1] ?? "";
  return text.startsWith('"') ? String(JSON.parse(text)) : text;
}
