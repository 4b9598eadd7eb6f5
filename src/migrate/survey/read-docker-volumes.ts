import type { Call } from "../call.ts";
import { Field } from "../cluster/field.ts";
import type { HostRoot } from "../host/host-root.ts";
import type { DockerVolume } from "./host-survey.ts";

/** Per volume; one with more is told as larger than that. */
const maxFiles = 20_000;
const maxVolumes = 2000;

/** Volumes of the local driver with what is in them. Source: moby v20.10.24 volume/local/local.go. */
export async function readDockerVolumes(call: Call, root: HostRoot, dataRoot: string): Promise<DockerVolume[]> {
  const directory = `${dataRoot}/volumes`;
  const found: DockerVolume[] = [];
  for (const name of (await root.list(directory)).slice(0, maxVolumes)) {
    const path = `${directory}/${name}/_data`;
    const data = await root.find(path);
    if (data?.kind !== "directory") continue;
    const options = await root.findText(`${directory}/${name}/opts.json`);
    const size = await sizeOf(call, root, path);
    found.push({ name, path, uid: data.uid, device: deviceOf(options), ...size });
  }
  return found;
}

async function sizeOf(call: Call, root: HostRoot, directory: string) {
  const pending = [directory];
  let [bytes, files] = [0, 0];
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    call.signal.throwIfAborted();
    for (const name of await root.list(at)) {
      const found = await root.find(`${at}/${name}`, { follow: false });
      if (found === undefined) continue;
      if (++files > maxFiles) return { bytes, files, isCut: true };
      if (found.kind === "directory") pending.push(`${at}/${name}`);
      else bytes += found.sizeBytes;
    }
  }
  return { bytes, files, isCut: false };
}

function deviceOf(options: string | undefined): string | undefined {
  try {
    return new Field(JSON.parse(options ?? "null")).at("MountDevice").text;
  } catch {
    return undefined;
  }
}
