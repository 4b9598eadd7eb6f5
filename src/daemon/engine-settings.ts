import { access, constants } from "node:fs/promises";
import { join } from "node:path";
import { hostPlatform, parsePlatform } from "#core/images/platform.ts";
import type { EngineSettings } from "#engine/engine.ts";
import { readHostFacts } from "#engine/oci-spec/host-facts.ts";
import type { Config } from "./config.ts";

/** What the engine is told: the configuration, and what the machine says where it is silent. */
export async function engineSettings(config: Config): Promise<EngineSettings> {
  const { daemon, images, snapshots, runtime, log, cri } = config;
  const machine = hostPlatform({ platform: process.platform, arch: process.arch });
  const [host, initPath] = await Promise.all([
    readHostFacts({ restrictOomScoreAdj: cri.restrictOomScoreAdj }),
    findInit(runtime.init),
  ]);
  return {
    platform: images.platform === "" ? machine : parsePlatform(images.platform, machine),
    rootDirectory: daemon.root,
    stateDirectory: daemon.state,
    defaultSnapshotter: snapshots.default,
    layerLimits: { maxUncompressedBytes: images.maxLayerBytes, maxEntries: images.maxLayerEntries },
    log: { maxBytes: log.maxBytes, maxFiles: log.maxFiles },
    cgroupParent: runtime.cgroupParent || (runtime.cgroupDriver === "systemd" ? "ferry.slice" : "/ferry"),
    host,
    ...(initPath === undefined ? {} : { initPath }),
  };
}

/** Static ones first: they run in any image. */
const inits = ["/usr/libexec/docker/docker-init", "catatonit", "tini-static", "docker-init", "tini"];

async function findInit(configured: string): Promise<string | undefined> {
  const folders = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
  for (const name of configured === "" ? inits : [configured]) {
    for (const path of name.startsWith("/") ? [name] : folders.map((folder) => join(folder, name))) {
      if (await isExecutable(path)) return path;
    }
  }
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
