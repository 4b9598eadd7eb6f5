import type { HostRoot } from "../host/host-root.ts";
import type { RunningHost } from "../host/running-host.ts";
import type { SocketUser } from "./host-survey.ts";

/** Who is connected to Docker's socket now. Source: ss(8); a Unix connection's two ends name each other's inode. */
export async function readSocketUsers(root: HostRoot, running: RunningHost | undefined): Promise<SocketUser[]> {
  const text = await running?.ask(["ss", "-x", "-p", "-H", "-n"]);
  const lines = (text ?? "").split("\n").map(parseLine);
  const ends = new Set(
    lines.flatMap((line) => (line !== undefined && /docker(?:shim)?\.sock$/.test(line.address) ? [line.peer] : [])),
  );
  const users = new Map<number, SocketUser>();
  for (const line of lines) {
    if (line === undefined || !ends.has(line.inode)) continue;
    for (const { program, pid } of line.users) {
      if (!users.has(pid)) users.set(pid, { pid, program, unit: await unitOf(root, pid) });
    }
  }
  return [...users.values()];
}

/** `u_str ESTAB 0 0 /run/docker.sock 101 * 102 users:(("dockerd",pid=7,fd=9))` */
function parseLine(line: string) {
  const match = /^u_\w+\s+ESTAB\s+\d+\s+\d+\s+(\S+)\s+(\d+)\s+\S+\s+(\d+)\s*(.*)$/.exec(line.trim());
  if (match === null) return undefined;
  const [, address = "", inode = "", peer = "", rest = ""] = match;
  const users = [...rest.matchAll(/\("([^"]+)",pid=(\d+)/g)].map(([, program = "", pid = ""]) => ({
    program,
    pid: Number(pid),
  }));
  return { address, inode, peer, users };
}

/** The unit, or the pod's container, that a process belongs to. */
async function unitOf(root: HostRoot, pid: number): Promise<string | undefined> {
  const text = await root.findText(`/proc/${pid}/cgroup`);
  const path =
    text
      ?.split("\n")
      .find((line) => line.includes("/"))
      ?.split(":")
      .at(-1) ?? "";
  return (
    path.split("/").findLast((part) => /\.(?:service|scope)$/.test(part)) ??
    (path.includes("kubepods") ? path.split("/").at(-1) : undefined)
  );
}
