import type { Command } from "../command.ts";
import { print } from "../output.ts";
import { familiarName } from "../pull/image-name.ts";
import { pullImage } from "../pull/pull-image.ts";

export const pull: Command = {
  usage: "[OPTIONS] NAME[:TAG|@DIGEST]",
  summary: "Download an image from a registry",
  flags: `
    --all-platforms           Download the images of all platforms (ferryd only)
-a, --all-tags                Download all tagged images in the repository
    --disable-content-trust   Accepted and ignored
    --platform string         Platform of the image (linux/arm64)
-q, --quiet                   Suppress verbose output
`,
  args: { min: 1, max: 1 },
  example: "ferry pull alpine:3.20",
  run: async (session, { flags, args: [image = ""] }) => {
    const allTags = flags.bool("all-tags");
    const platform = flags.bool("all-platforms") ? "all" : flags.text("platform");
    const quiet = flags.bool("quiet");
    const name = allTags ? image : familiarName(image);
    if (!allTags && name !== image && !quiet) print(`Using default tag: latest`);
    await pullImage(session, { image, platform, quiet, allTags, fd: 1 });
    print(fullName(name));
    return 0;
  },
};

/** `alpine:3` as `docker.io/library/alpine:3`. */
function fullName(name: string): string {
  const [first = "", ...rest] = name.split("/");
  if (rest.length > 0 && (/[.:]/.test(first) || first === "localhost")) return name;
  return `docker.io/${rest.length === 0 ? "library/" : ""}${name}`;
}
