import { spawn } from "node:child_process";
import { access, constants, readdir, readFile, readlink, rm } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import { socketPath } from "./ttrpc-client.ts";
import type { ShimAddress } from "./task-client.ts";

const searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** How a shim is called for one container, in the directory of its bundle. */
export type ShimInvocation = {
  readonly path: string;
  readonly namespace: string;
  readonly containerId: string;
  readonly bundle: string;
  /** Socket that takes the shim's events; its path is part of what makes the shim's own socket unique. */
  readonly eventsAddress: string;
};

/**
 * Starts a shim, or finds the one that serves the container's group. It outlives the daemon.
 *
 * @throws internal with what the shim said when it could not start
 */
export async function startShim(call: Call, invocation: ShimInvocation): Promise<ShimAddress> {
  const { code, stdout, stderr } = await runShim(call, invocation, "start");
  if (code === 0) return parseAddress(stdout);
  throw new EngineError("internal", `shim ${invocation.path} start: ${stderr.trim() || `exit code ${code}`}`);
}

/** Has the shim's program remove what a dead shim left of a container, the container itself included. Idempotent. */
export async function cleanUpAfterShim(call: Call, invocation: ShimInvocation): Promise<void> {
  const { code, stderr } = await runShim(call, invocation, "delete");
  if (code !== 0) call.log.debug({ containerId: invocation.containerId }, `shim delete: ${stderr.trim()}`);
}

/** The address of a started shim, as it wrote it in the bundle; undefined before. */
export async function findAddress(bundle: string): Promise<ShimAddress | undefined> {
  // Shims of protocol 3 leave the JSON that they printed in a file of its own.
  const json = await readFile(join(bundle, "bootstrap.json"), "utf8").catch(() => "");
  const plain = json === "" ? await readFile(join(bundle, "address"), "utf8").catch(() => "") : json;
  return plain.trim() === "" ? undefined : parseAddress(plain);
}

/** A bare address is protocol 2. Source: containerd core/runtime/v2/README.md, `start`. */
export function parseAddress(output: string): ShimAddress {
  const line = output.trim();
  if (!line.startsWith("{")) return { address: line, version: 2 };
  const parsed: unknown = JSON.parse(line);
  if (typeof parsed === "object" && parsed !== null && "address" in parsed && typeof parsed.address === "string") {
    const version = "version" in parsed && typeof parsed.version === "number" ? parsed.version : 2;
    const protocol = "protocol" in parsed ? parsed.protocol : "ttrpc";
    if (protocol === "ttrpc") return { address: parsed.address, version };
    throw new EngineError("notImplemented", `shim: speaks ${String(protocol)}, only ttrpc is supported`);
  }
  throw new EngineError("internal", `shim: no address in ${JSON.stringify(line)}`);
}

/** A killed shim leaves its socket. */
export async function removeSocket({ address }: ShimAddress): Promise<void> {
  const path = socketPath(address);
  if (path.startsWith("/")) await rm(path, { force: true });
}

/** Kills what still works in a bundle's directory (a shim, its `start`, a runtime half-way) and waits for its end. */
export async function killProcessesIn(bundle: string): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const pids = await findProcessesIn(bundle);
    if (pids.length === 0) return;
    for (const pid of pids) killIfThere(pid);
    await sleep(10);
  }
}

/** Absolute path of a runtime type's program: `io.containerd.runc.v2` is `containerd-shim-runc-v2`. */
export async function findShim(runtimeType: string): Promise<string | undefined> {
  const parts = runtimeType.split(".");
  const name = `containerd-shim-${parts.slice(-2).join("-")}`;
  const folders = searchPath.split(":").map((folder) => join(folder, name));
  const candidates = runtimeType.startsWith("/") ? [runtimeType] : parts.length < 2 ? [] : folders;
  for (const candidate of candidates) if (await isExecutable(candidate)) return candidate;
  return undefined;
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function findProcessesIn(directory: string): Promise<number[]> {
  const found: number[] = [];
  for (const entry of await readdir("/proc")) {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid) continue;
    if ((await readlink(`/proc/${entry}/cwd`).catch(() => "")) === directory) found.push(Number(entry));
  }
  return found;
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended in between.
  }
}

async function runShim(
  call: Call,
  { path, namespace, containerId, bundle, eventsAddress }: ShimInvocation,
  action: "start" | "delete",
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const args = ["-namespace", namespace, "-id", containerId, "-address", eventsAddress];
  // The program to publish events with is for shims that know no TTRPC_ADDRESS; there is nothing better to name.
  args.push("-publish-binary", "/bin/true");
  if (action === "delete") args.push("-bundle", bundle);
  const child = spawn(path, [...args, action], {
    cwd: bundle,
    env: {
      PATH: searchPath,
      TZ: "UTC",
      TTRPC_ADDRESS: eventsAddress,
      GRPC_ADDRESS: eventsAddress,
      NAMESPACE: namespace,
    },
    stdio: ["ignore", "pipe", "pipe"],
    signal: call.signal,
    killSignal: "SIGKILL",
  });
  const ended = once(child, "exit");
  const outputs = Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = (await ended) as [number | null];
  const [stdout, stderr] = await outputs;
  return { code, stdout, stderr };
}
