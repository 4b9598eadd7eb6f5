import { Field } from "../cluster/field.ts";
import type { HostRoot } from "../host/host-root.ts";
import type { DockerContainer } from "./host-survey.ts";

const maxContainers = 10_000;

/** Containers as their files in the data root tell. Source: moby v20.10.24 container/container.go. */
export async function readDockerContainers(root: HostRoot, dataRoot: string): Promise<DockerContainer[]> {
  const found: DockerContainer[] = [];
  for (const id of (await root.list(`${dataRoot}/containers`)).slice(0, maxContainers)) {
    const path = `${dataRoot}/containers/${id}/config.v2.json`;
    const config = parse(await root.findText(path));
    const host = parse(await root.findText(`${dataRoot}/containers/${id}/hostconfig.json`));
    if (!config.isPresent) continue;
    found.push({
      id,
      path,
      name: (config.at("Name").text ?? id).replace(/^\//, ""),
      image: config.at("Config", "Image").text ?? "",
      labels: config.at("Config", "Labels").textMap(),
      isRunning: config.at("State", "Running").isTrue,
      restartPolicy: host.at("RestartPolicy", "Name").text ?? "",
      volumes: config
        .at("MountPoints")
        .entries()
        .flatMap(([, point]) => point.at("Name").text ?? []),
    });
  }
  return found;
}

function parse(text: string | undefined): Field {
  try {
    return new Field(text === undefined ? undefined : JSON.parse(text));
  } catch {
    // Half written when the host was copied: as good as not there.
    return new Field(undefined);
  }
}
