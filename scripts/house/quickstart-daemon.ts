import { execFile, spawn } from "node:child_process";
import { openSync, readFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { promisify } from "node:util";
import { setTimeout as sleep } from "node:timers/promises";

const execute = promisify(execFile);

/** Whether a daemon answers on the Docker socket of the state directory. */
export async function isServing(state: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const ping = request({ socketPath: join(state, "docker.sock"), path: "/_ping", timeout: 2_000 }, (response) => {
    response.resume();
    resolve(response.statusCode === 200);
  });
  ping.on("error", () => resolve(false));
  ping.on("timeout", () => ping.destroy());
  ping.end();
  return await promise;
}

/** Starts ferryd so that it outlives this process; settles when it serves. Answers its pid. */
export async function startInBackground(ferryd: string, logPath: string, state: string): Promise<number> {
  const log = openSync(logPath, "a");
  const child = spawn(ferryd, [], { detached: true, stdio: ["ignore", log, log] });
  child.unref();
  for (let tries = 0; !(await isServing(state)); tries++) {
    if (child.exitCode !== null || tries > 300)
      throw new Error(`ferryd did not start; the end of ${logPath}:\n${readFileSync(logPath, "utf8").slice(-2000)}`);
    await sleep(100);
  }
  return child.pid ?? 0;
}

/** Asks the daemon to stop and waits until it has, with all that it takes down last. */
export async function stopDaemon(pid: number): Promise<void> {
  process.kill(pid, "SIGTERM");
  for (let tries = 0; isRunning(pid); tries++) {
    if (tries > 200) throw new Error(`ferryd (pid ${pid}) does not stop; see its log`);
    await sleep(100);
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Runs a `ferry` command. @throws Error with what it said */
export async function runFerry(ferry: string, argv: readonly string[]): Promise<string> {
  const { stdout } = await execute(ferry, argv, { maxBuffer: 1 << 24 });
  return stdout;
}
