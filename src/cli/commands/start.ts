import type { ContainerInspect } from "#clients/docker/wire-types.ts";
import { CliError } from "../cli-error.ts";
import type { Command, Input } from "../command.ts";
import { eachArgument, segment } from "../each-argument.ts";
import type { Session } from "../session.ts";

export const start: Command = {
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  summary: "Start one or more stopped containers",
  flags: `
-a, --attach               Attach STDOUT/STDERR and forward signals
    --detach-keys string   Key sequence for detaching (default "ctrl-p,ctrl-q")
-i, --interactive          Attach container's STDIN
`,
  args: { min: 1 },
  example: "ferry start -ai shell",
  completes: "containers",
  run,
};

async function run(session: Session, { flags, args, name }: Input): Promise<number> {
  if (!flags.bool("attach") && !flags.bool("interactive")) {
    return await eachArgument(args, name, async (container) => {
      await session.client.text({ method: "POST", path: `/containers/${segment(container)}/start` });
      return container;
    });
  }
  if (args.length > 1) throw new CliError("you cannot start and attach multiple containers at once");
  const path = `/containers/${segment(args[0] ?? "")}`;
  const [found, { runAttached, readDetachKeys }] = await Promise.all([
    session.client.json<ContainerInspect>({ path: `${path}/json` }),
    import("../run/run-attached.ts"),
  ]);
  const stdin = flags.bool("interactive") && found.Config.OpenStdin;
  return await runAttached(session, found.Id, {
    tty: found.Config.Tty,
    streams: { stdin, stdout: true, stderr: true },
    detachKeys: readDetachKeys(flags),
    sigProxy: !found.Config.Tty,
    removes: found.HostConfig.AutoRemove === true,
    command: "start",
  });
}
