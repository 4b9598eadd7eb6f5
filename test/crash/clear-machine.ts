import { execFile } from "node:child_process";
import { readdir, readFile, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { instanceOf } from "#drivers/network-cni/instance.ts";

const execute = promisify(execFile);

/** Takes away bridges and firewall chains of the daemon with this state directory. */
export async function removeNetworksOf(state: string): Promise<void> {
  const { chainPrefix } = instanceOf(state);
  for (const name of await readdir("/sys/class/net"))
    if (name.startsWith(chainPrefix.toLowerCase())) await execute("ip", ["link", "delete", name]).catch(() => {});
  for (const family of ["iptables", "ip6tables"]) await removeChains(family, `${chainPrefix}-`);
}

async function removeChains(family: string, prefix: string): Promise<void> {
  for (const table of ["nat", "filter"]) {
    const { stdout } = await execute(`${family}-save`, ["-t", table]).catch(() => ({ stdout: "" }));
    const lines = stdout.split("\n").filter((line) => line.includes(prefix));
    const rules = lines.filter((line) => line.startsWith("-A ")).map((line) => line.replace("-A", "-D"));
    const chains = lines.filter((line) => line.startsWith(":")).map((line) => `-X ${line.slice(1).split(" ")[0]}`);
    if (lines.length === 0) continue;
    const script = [`*${table}`, ...rules, ...chains, "COMMIT", ""].join("\n");
    const running = execute(`${family}-restore`, ["--noflush"]);
    running.child.stdin?.end(script);
    await running.catch(() => {});
  }
}

/** Kills what is in the cgroups below `parent` and removes them with it. */
export async function clearCgroups(parent: string): Promise<void> {
  const top = "/sys/fs/cgroup";
  for (const hierarchy of ["", ...(await readdir(top))]) await clearCgroup(join(top, hierarchy, parent));
}

async function clearCgroup(path: string): Promise<void> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => undefined);
  if (entries === undefined) return;
  for (const entry of entries) if (entry.isDirectory()) await clearCgroup(join(path, entry.name));
  for (let tries = 0; tries < 50; tries++) {
    const pids = (await readFile(join(path, "cgroup.procs"), "utf8").catch(() => "")).trim().split("\n");
    for (const pid of pids) if (Number(pid) > 1) tryKill(Number(pid));
    if (
      await rmdir(path).then(
        () => true,
        () => false,
      )
    )
      return;
    await sleep(20);
  }
}

function tryKill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended by itself meanwhile.
  }
}
