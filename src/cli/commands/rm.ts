import type { Command } from "../command.ts";
import { DockerApiError } from "#clients/docker/api-error.ts";
import { eachArgument, segment } from "../each-argument.ts";

export const rm: Command = {
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  summary: "Remove one or more containers",
  flags: `
-f, --force     Remove a running container (uses SIGKILL)
-l, --link      Remove the specified link
-v, --volumes   Remove anonymous volumes associated with the container
`,
  args: { min: 1 },
  example: "ferry rm -f web",
  completes: "containers",
  run: (session, { flags, args, name }) =>
    eachArgument(args, name, async (container) => {
      const force = flags.bool("force");
      const query = {
        force: force ? 1 : undefined,
        link: flags.bool("link") ? 1 : undefined,
        v: flags.bool("volumes") ? 1 : undefined,
      };
      try {
        await session.client.text({ method: "DELETE", path: `/containers/${segment(container)}`, query });
      } catch (error) {
        // As with `rm -f` of a file: nothing there is what was asked for.
        if (!force || !(error instanceof DockerApiError) || error.status !== 404) throw error;
        return undefined;
      }
      return container;
    }),
};
