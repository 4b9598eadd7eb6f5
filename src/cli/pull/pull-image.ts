import type { ProgressMessage } from "#clients/docker/wire-types.ts";
import { registryAuth } from "../auth/registry-auth.ts";
import type { Session } from "../session.ts";
import { familiarName, registryOf, splitReference } from "./image-name.ts";
import { openScreen } from "./open-screen.ts";
import { drawProgress } from "./progress.ts";

export type PullRequest = {
  readonly image: string;
  readonly platform: string | undefined;
  readonly quiet: boolean;
  readonly allTags?: boolean;
  /** Where progress is drawn: `run` keeps standard output for the container. */
  readonly fd: 1 | 2;
};

/** Pulls an image and draws how it gets on. @throws CliError with the daemon's or registry's reason */
export async function pullImage(session: Session, request: PullRequest): Promise<void> {
  const { repository, tag } = splitReference(request.allTags === true ? request.image : familiarName(request.image));
  const auth = await registryAuth(registryOf(request.image));
  const messages = session.client.lines<ProgressMessage>({
    method: "POST",
    path: "/images/create",
    query: { fromImage: repository, tag, platform: request.platform ?? session.env("DOCKER_DEFAULT_PLATFORM") },
    ...(auth === undefined ? {} : { headers: { "X-Registry-Auth": auth } }),
  });
  const screen = openScreen(request.fd);
  await drawProgress(messages, request.quiet ? { ...screen, write: () => undefined } : screen);
}
