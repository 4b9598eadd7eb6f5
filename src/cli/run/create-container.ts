import { writeFileSync } from "node:fs";
import { DockerApiError } from "#clients/docker/api-error.ts";
import type { CreatedContainer } from "#clients/docker/wire-types.ts";
import { errnoOf } from "#base/errors.ts";
import { CliError } from "../cli-error.ts";
import type { Flags } from "../flags.ts";
import { warn } from "../output.ts";
import type { Session } from "../session.ts";
import { readContainerRequest } from "./container-config.ts";
import { terminalSize } from "./terminal-size.ts";

/** Creates a container from the flags of `run` and `create`; pulls the image where it is missing. @throws CliError, DockerApiError */
export async function createContainer(session: Session, flags: Flags, args: readonly string[]): Promise<string> {
  const [image = "", ...command] = args;
  const { body, networks } = readContainerRequest(flags, image, command);
  if (flags.bool("tty")) body["HostConfig"] = { ...(body["HostConfig"] as object), ConsoleSize: terminalSize() };
  const cidFile = flags.text("cidfile");
  if (cidFile !== undefined) reserveCidFile(cidFile);
  const pull = flags.text("pull") ?? "missing";
  if (!["always", "missing", "never"].includes(pull)) {
    throw new CliError(`invalid --pull ${pull}: must be always, missing or never`, { exitCode: 125 });
  }
  const later = await extraNetworks(session, body, [...networks.endpoints]);
  if (pull === "always") await pullFor(session, flags, image);
  const created = await createOrPull(session, flags, { image, body, pull });
  for (const warning of created.Warnings ?? []) warn(`WARNING: ${warning}`);
  if (cidFile !== undefined) writeFileSync(cidFile, created.Id);
  for (const [network, settings] of later) {
    const path = `/networks/${encodeURIComponent(network)}/connect`;
    await session.client.text({ method: "POST", path, json: { Container: created.Id, EndpointConfig: settings } });
  }
  return created.Id;
}

/** Before API 1.44 a container is made with one network at most; the others are connected afterwards. */
async function extraNetworks<T>(
  session: Session,
  body: Record<string, unknown>,
  endpoints: readonly (readonly [string, T])[],
): Promise<readonly (readonly [string, T])[]> {
  if (endpoints.length < 2) return [];
  const { ApiVersion } = await session.client.json<{ ApiVersion: string }>({ path: "/version" });
  const [, minor = "0"] = ApiVersion.split(".");
  if (Number(minor) >= 44) return [];
  body["NetworkingConfig"] = { EndpointsConfig: Object.fromEntries(endpoints.slice(0, 1)) };
  return endpoints.slice(1);
}

async function createOrPull(
  session: Session,
  flags: Flags,
  { image, body, pull }: { image: string; body: Record<string, unknown>; pull: string },
): Promise<CreatedContainer> {
  const request = {
    method: "POST",
    path: "/containers/create",
    query: { name: flags.text("name"), platform: flags.text("platform") ?? session.env("DOCKER_DEFAULT_PLATFORM") },
    json: body,
  } as const;
  try {
    return await session.client.json<CreatedContainer>(request);
  } catch (error) {
    const isMissing = error instanceof DockerApiError && error.status === 404 && /no such image/i.test(error.message);
    if (!isMissing || pull !== "missing") throw error;
  }
  const { familiarName } = await import("../pull/image-name.ts");
  if (!flags.bool("quiet")) warn(`Unable to find image '${familiarName(image)}' locally`);
  await pullFor(session, flags, image);
  return await session.client.json<CreatedContainer>(request);
}

async function pullFor(session: Session, flags: Flags, image: string): Promise<void> {
  const { pullImage } = await import("../pull/pull-image.ts");
  await pullImage(session, { image, platform: flags.text("platform"), quiet: flags.bool("quiet"), fd: 2 });
}

/** The file must not be there, so that an ID somebody counts on is not overwritten. */
function reserveCidFile(path: string): void {
  try {
    writeFileSync(path, "", { flag: "wx" });
  } catch (error) {
    const why = errnoOf(error) === "EEXIST" ? "it is there already; remove it or name another" : "it cannot be written";
    throw new CliError(`--cidfile ${path}: ${why}`, { exitCode: 125, cause: error });
  }
}
