import { DockerApiError } from "#clients/docker/api-error.ts";
import { outputFrames } from "#clients/docker/frames.ts";
import type { ContainerInspect } from "#clients/docker/wire-types.ts";
import type { Command, Input } from "../command.ts";
import { segment } from "../each-argument.ts";
import { parseMoment } from "../format/parse-moment.ts";
import { write } from "../output.ts";
import type { Session } from "../session.ts";

export const logs: Command = {
  usage: "[OPTIONS] CONTAINER",
  summary: "Fetch the logs of a container",
  flags: `
    --details        Show extra details provided to logs
-f, --follow         Follow log output
    --since string   Show logs since timestamp (2013-01-02T13:23:37Z) or relative (42m)
-n, --tail string    Number of lines to show from the end of the logs (default "all")
-t, --timestamps     Show timestamps
    --until string   Show logs before a timestamp (2013-01-02T13:23:37Z) or relative (42m)
`,
  args: { min: 1, max: 1 },
  example: "ferry logs -f --tail 20 web",
  completes: "containers",
  run,
};

async function run(session: Session, { flags, args: [container = ""] }: Input): Promise<number> {
  const { client } = session;
  const path = `/containers/${segment(container)}`;
  const on = (name: string) => (flags.bool(name) ? 1 : undefined);
  await using response = await client.open({
    path: `${path}/logs`,
    query: {
      stdout: 1,
      stderr: 1,
      follow: on("follow"),
      timestamps: on("timestamps"),
      details: on("details"),
      since: flags.parsed("since", parseMoment),
      until: flags.parsed("until", parseMoment),
      tail: flags.text("tail"),
    },
  });
  if (await isRaw(session, path, response.headers["content-type"])) {
    for await (const bytes of response.body) write(1, bytes);
  } else {
    for await (const { stream, bytes } of outputFrames(response.body)) write(stream === "stdout" ? 1 : 2, bytes);
  }
  return 0;
}

/** Whether the log is a terminal's plain bytes: newer servers say so, older ones are asked for the container. */
async function isRaw(session: Session, path: string, contentType: string | undefined): Promise<boolean> {
  if (contentType?.includes("multiplexed-stream") === true) return false;
  try {
    return (await session.client.json<ContainerInspect>({ path: `${path}/json` })).Config.Tty;
  } catch (error) {
    // It may go away while its log is read.
    if (error instanceof DockerApiError && error.status === 404) return false;
    throw error;
  }
}
