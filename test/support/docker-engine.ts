import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { join } from "node:path";
import { unmountBelow } from "./processes.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

export type DockerEngine = AsyncDisposable & {
  readonly host: string;
  /** Its data root; one of its own goes when it is disposed. */
  readonly root: string;
  /** Ends the engine and leaves its data root. */
  stop(): Promise<void>;
};

/** Another version can be named: `FERRY_TEST_DOCKERD=/opt/docker-28/dockerd`. Only tests that ask for it take it. */
export const otherDockerd = process.env["FERRY_TEST_DOCKERD"];

type EngineSettings = {
  readonly program?: string;
  readonly storageDriver?: string;
  readonly root?: string;
  /** Socket of a containerd that it works with, and keeps its images in. */
  readonly containerd?: string;
};

/**
 * A Docker Engine of the machine's own `dockerd`, or of another `program`, with a root of its own and no bridge network; undefined with its log
 * when it cannot run here. The caller has checked for root and the binary.
 */
export async function openDockerEngine(
  settings: EngineSettings = {},
): Promise<DockerEngine | { readonly host: undefined; readonly why: string }> {
  await using undo = new AsyncDisposableStack();
  const directory = undo.use(await temporaryDirectory("dockerd"));
  const at = (name: string) => join(directory.path, name);
  const log = openSync(at("log"), "w");
  const { program = "dockerd", storageDriver = "overlay2", root = at("root"), containerd } = settings;
  const config = containerd === undefined ? {} : { features: { "containerd-snapshotter": true } };
  writeFileSync(at("daemon.json"), JSON.stringify(config));
  const options = [
    ...(containerd === undefined ? ["--storage-driver", storageDriver] : ["--containerd", containerd]),
    "--config-file",
    at("daemon.json"),
    "--data-root",
    root,
    "--exec-root",
    at("exec"),
    "--pidfile",
    at("pid"),
  ];
  const child = spawn(program, [...options, "--host", `unix://${at("s")}`, "--bridge=none", "--iptables=false"], {
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  const exited = once(child, "exit");
  const stop = async () => {
    if (child.exitCode === null) child.kill("SIGTERM");
    await exited;
    await unmountBelow(directory.path);
    await unmountBelow(root);
  };
  undo.defer(stop);
  for (let tries = 0; !isListening(at("log")); tries++) {
    if (child.exitCode !== null || tries > 1200) {
      return { host: undefined, why: readFileSync(at("log"), "utf8").trim().split("\n").at(-1) ?? "no log" };
    }
    await sleep(100);
  }
  const owned = undo.move();
  return {
    host: `unix://${at("s")}`,
    root,
    stop,
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

function isListening(logPath: string): boolean {
  return existsSync(logPath) && readFileSync(logPath, "utf8").includes("API listen on");
}
