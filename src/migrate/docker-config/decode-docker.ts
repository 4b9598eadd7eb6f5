import type { CommandLine } from "../host/command-line.ts";
import { plainPath } from "../host/plain-path.ts";
import type { HostText, Unit } from "../host/read-unit.ts";
import type { Fact } from "../host/source.ts";
import { decodeDaemonJson, type DaemonSettings, type DecodedFile, type DecodedSettings } from "./decode-daemon-json.ts";
import { decodeDockerUnit, type DockerUnit } from "./decode-docker-unit.ts";
import { mergeSettings } from "./merge-settings.ts";

/** What a dockerd is told by its `daemon.json` and its unit, apart and as one. */
export type DecodedDocker = DecodedSettings & { readonly unit: DockerUnit; readonly file: DecodedFile };

/** Decodes both; what is not there says nothing. */
export function decodeDocker(read: {
  readonly daemonJson?: HostText | undefined;
  readonly unit?: Unit | undefined;
  readonly commandLine?: CommandLine | undefined;
}): DecodedDocker {
  const unit = decodeDockerUnit(read.unit, read.commandLine);
  const file = decodeDaemonJson(read.daemonJson?.text ?? "", read.daemonJson?.path ?? "");
  return { unit, file, ...mergeSettings(file, unit.flags) };
}

/** Where Docker keeps its images, by its present or its old key. */
export function dataRootOf(settings: DaemonSettings): Fact<string> {
  const said = settings["data-root"] ?? settings.graph;
  if (said === undefined) return { value: "/var/lib/docker", source: { t: "system", what: "Docker's default" } };
  return { ...said, value: plainPath(said.value) };
}
