import type { ProgressMessage } from "#clients/docker/wire-types.ts";
import type { Command } from "../command.ts";
import { openScreen } from "../pull/open-screen.ts";
import { splitReference } from "../pull/image-name.ts";
import { drawProgress } from "../pull/progress.ts";
import { openArchive } from "./load.ts";

export const importImage: Command = {
  usage: "[OPTIONS] file|URL|- [REPOSITORY[:TAG]]",
  summary: "Import the contents from a tarball to create a filesystem image",
  flags: `
-c, --change list       Apply Dockerfile instruction to the created image
-m, --message string    Set commit message for imported image
    --platform string   Platform of the image (linux/arm64)
`,
  args: { min: 1, max: 2 },
  example: "tar -C rootfs -c . | ferry import -c 'CMD [\"sh\"]' - my-base:1",
  run: async (session, { flags, args: [source = "", target] }) => {
    const isUrl = /^https?:\/\//.test(source);
    const { repository, tag } = splitReference(target ?? "");
    const messages = session.client.lines<ProgressMessage>({
      method: "POST",
      path: "/images/create",
      query: {
        fromSrc: isUrl ? source : "-",
        repo: repository === "" ? undefined : repository,
        tag,
        message: flags.text("message"),
        changes: flags.list("change"),
        platform: flags.text("platform"),
      },
      headers: { "Content-Type": "application/x-tar" },
      ...(isUrl ? {} : { body: await openArchive(source === "-" ? undefined : source) }),
    });
    await drawProgress(messages, openScreen(1));
    return 0;
  },
};
