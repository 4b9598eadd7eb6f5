import { openSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { messageOf } from "#base/errors.ts";
import { command, startDaemon, unmountBelow } from "./processes.ts";
import { findBinary } from "./require.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

/** Another version can be named, beside its `ctr` and its shim: `FERRY_TEST_CONTAINERD=/opt/containerd-2.3/bin/containerd`. */
export const containerdBinary = process.env["FERRY_TEST_CONTAINERD"] ?? "containerd";

/** The one that came with {@link containerdBinary}. */
export const ctrBinary = containerdBinary.includes("/") ? join(dirname(containerdBinary), "ctr") : "ctr";

/** In which {@link containerdBinary} finds its own shim before the machine's. */
export const containerdEnv = containerdBinary.includes("/")
  ? { ...process.env, PATH: [dirname(containerdBinary), process.env["PATH"]].join(delimiter) }
  : process.env;

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

/** Starts containerd with `config`, lets `use` have its socket, and ends it again. */
export async function runContainerd(
  config: string,
  use: (socket: string) => Promise<void> = async () => {},
): Promise<ContainerdRun> {
  await using directory = await temporaryDirectory("containerd");
  const at = (name: string) => join(directory.path, name);
  await mkdir(at("s"));
  // Sockets that it names itself, too.
  await writeFile(at("config.toml"), config.replaceAll("/run/containerd/", `${at("s")}/`));
  const argv = [findBinary(containerdBinary) ?? containerdBinary, "--config", at("config.toml"), "--root", at("r")];
  const own = ["--state", at("s"), "--address", at("s/containerd.sock"), "--log-level", "info"];
  const readLog = async () => await readFile(at("log"), "utf8");
  const ready = async () => (await readLog()).includes("containerd successfully booted");
  // As it stands before the end: that brings complaints of its own.
  let log = "";
  const hasStarted = await runOnce([...argv, ...own], {
    ready,
    log: at("log"),
    use: async () => {
      await use(at("s/containerd.sock"));
      log = await readLog();
    },
  });
  await unmountBelow(directory.path);
  const lines = (hasStarted ? log : await readLog()).split("\n");
  const bad = lines.filter((line) => /level"?[=:]"?(warn|error|fatal)|^containerd: /.test(line));
  return { hasStarted, complaints: new Set(bad.map((line) => complaintOf(line).replaceAll(directory.path, ""))) };
}

type Once = { ready: () => Promise<boolean>; log: string; use: () => Promise<void> };

async function runOnce(argv: readonly string[], { ready, log, use }: Once): Promise<boolean> {
  await using undo = new AsyncDisposableStack();
  try {
    undo.use(await startDaemon(argv, ready, { env: containerdEnv, log: openSync(log, "w") }));
  } catch (error) {
    if (/before it was ready/.test(messageOf(error))) return false;
    throw error;
  }
  await use();
  return true;
}

function complaintOf(line: string): string {
  return line.startsWith("containerd: ") ? line : `${fieldOf(line, "msg")} (${fieldOf(line, "error")})`;
}

/** Of a log line in either of containerd's formats. */
function fieldOf(line: string, name: string): string {
  const text = new RegExp(`"?${name}"?[=:]("(?:[^"\\\\]|\\\\.)*"|\\S+)`).exec(line)?.[1] ?? "";
  return text.startsWith('"') ? String(JSON.parse(text)) : text;
}
