import type { Command } from "../command.ts";
import { imagePath } from "../image-path.ts";
import { splitReference } from "../pull/image-name.ts";

export const tag: Command = {
  usage: "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
  summary: "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE",
  flags: "",
  args: { min: 2, max: 2 },
  example: "ferry tag app:latest registry.example.com/team/app:1.2",
  completes: "images",
  run: async (session, { args: [source = "", target = ""] }) => {
    const { repository, tag: name } = splitReference(target);
    await session.client.text({
      method: "POST",
      path: `${imagePath(source)}/tag`,
      query: { repo: repository, tag: name },
    });
    return 0;
  },
};
