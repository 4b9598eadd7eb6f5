import type { ProgressMessage } from "#clients/docker/wire-types.ts";
import { encodeAuth, registryAuth } from "../auth/registry-auth.ts";
import { CliError } from "../cli-error.ts";
import type { Command } from "../command.ts";
import { print } from "../output.ts";
import { familiarName, registryOf, splitReference } from "../pull/image-name.ts";
import { openScreen } from "../pull/open-screen.ts";
import { drawProgress } from "../pull/progress.ts";

export const push: Command = {
  usage: "[OPTIONS] NAME[:TAG]",
  summary: "Upload an image to a registry",
  flags: `
-a, --all-tags                Push all tags of an image to the repository
    --disable-content-trust   Accepted and ignored
    --platform string         Push one platform of the image only (linux/arm64)
-q, --quiet                   Suppress verbose output
`,
  args: { min: 1, max: 1 },
  example: "ferry push registry.example.com/team/app:1.2",
  completes: "images",
  run: async (session, { flags, args: [image = ""] }) => {
    if (image.includes("@"))
      throw new CliError("cannot push a digest reference", { next: "push a tag: ferry push NAME:TAG" });
    const allTags = flags.bool("all-tags");
    const { repository, tag } = splitReference(allTags ? image : familiarName(image));
    if (allTags && tag !== undefined) throw new CliError("tag can't be used with --all-tags/-a");
    const registry = registryOf(image);
    const messages = session.client.lines<ProgressMessage>({
      method: "POST",
      path: `/images/${repository.split("/").map(encodeURIComponent).join("/")}/push`,
      query: { tag, platform: flags.has("platform") ? platformJson(flags.text("platform") ?? "") : undefined },
      // The API refuses a push without the header, even to a registry that lets everybody in.
      headers: { "X-Registry-Auth": (await registryAuth(registry)) ?? encodeAuth({ serveraddress: registry }) },
    });
    const screen = openScreen(1);
    await drawProgress(messages, flags.bool("quiet") ? { ...screen, write: () => undefined } : screen);
    if (flags.bool("quiet")) print(allTags ? repository : `${repository}:${tag ?? "latest"}`);
    return 0;
  },
};

function platformJson(text: string): string {
  const [os, architecture, variant] = text.split("/");
  return JSON.stringify({ os, architecture, variant });
}
