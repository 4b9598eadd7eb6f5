import { DockerApiError } from "#clients/docker/api-error.ts";
import { segment } from "./each-argument.ts";
import type { Session } from "./session.ts";

/** Removes a network or volume; with `force`, one that is not there is as good as removed. @throws DockerApiError */
export async function removeNamed(
  { client }: Session,
  { kind, name, force }: { kind: "networks" | "volumes"; name: string; force: boolean },
): Promise<string> {
  try {
    await client.text({ method: "DELETE", path: `/${kind}/${segment(name)}`, query: { force: force ? 1 : undefined } });
  } catch (error) {
    if (!force || !(error instanceof DockerApiError) || error.status !== 404) throw error;
  }
  return name;
}
