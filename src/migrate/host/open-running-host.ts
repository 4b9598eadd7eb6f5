import { execFile } from "node:child_process";
import type { HostRoot } from "./host-root.ts";
import type { HostProcess, RunningHost } from "./running-host.ts";

const askTimeoutMs = 10_000;

/** The machine this process runs on, seen through `root`, which is its own `/`. Undefined when `root` is a copy. */
export function openRunningHost(root: HostRoot): RunningHost | undefined {
  if (!root.isRunning) return undefined;
  return { ask, processes: async () => await listProcesses(root) };
}

async function ask([program, ...args]: readonly [string, ...string[]]): Promise<string | undefined> {
  return await new Promise((resolve) => {
    const options = { timeout: askTimeoutMs, maxBuffer: 4 << 20, env: { ...process.env, LC_ALL: "C" } };
    execFile(program, args, options, (error, stdout) => resolve(error === null ? stdout : undefined));
  });
}

async function listProcesses(root: HostRoot): Promise<HostProcess[]> {
  const names = (await root.list("/proc")).filter((name) => /^\d+$/.test(name));
  const found: HostProcess[] = [];
  for (const name of names) {
    const text = await root.findText(`/proc/${name}/cmdline`);
    if (text !== undefined && text !== "") found.push({ pid: Number(name), argv: text.replace(/\0$/, "").split("\0") });
  }
  return found;
}
