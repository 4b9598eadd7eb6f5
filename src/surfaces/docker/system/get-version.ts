import { release } from "node:os";
import { formatApi, maxApi, minApi } from "../api-version.ts";
import { json, type Answer, type RouteContext } from "../route.ts";
import { goArchitecture } from "./machine.ts";

/** `docker version`. */
export async function getVersion({ engine, settings }: RouteContext): Promise<Answer> {
  const common = {
    Version: settings.version,
    ApiVersion: formatApi(maxApi),
    MinAPIVersion: formatApi(minApi),
    Os: "linux",
    Arch: goArchitecture(),
    GitCommit: "",
    GoVersion: "",
    KernelVersion: release(),
    BuildTime: "",
  };
  const { Version, ...details } = common;
  const runtimes = engine.runtime
    .features()
    .map(({ name, version }) => ({ Name: name, Version: version, Details: {} }));
  return json({
    Platform: { Name: "Ferry" },
    Components: [
      {
        Name: "Engine",
        Version,
        Details: { ...details, Experimental: "false", GoVersion: `node ${process.versions.node}` },
      },
      ...runtimes,
    ],
    ...common,
    GoVersion: `node ${process.versions.node}`,
  });
}
