import type { Command, Input } from "../command.ts";
import { eachArgument, segment } from "../each-argument.ts";
import type { Session } from "../session.ts";

export const stop: Command = {
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  summary: "Stop one or more running containers",
  flags: `
-s, --signal string   Signal to send to the container
-t, --timeout int     Seconds to wait before killing the container
    --time int        As --timeout
`,
  args: { min: 1 },
  example: "ferry stop -t 30 web",
  completes: "running",
  run: (session, input) => stopOrRestart(session, input, "stop"),
};

export const restart: Command = {
  ...stop,
  summary: "Restart one or more containers",
  example: "ferry restart web",
  completes: "containers",
  run: (session, input) => stopOrRestart(session, input, "restart"),
};

async function stopOrRestart(session: Session, { flags, args, name }: Input, verb: "stop" | "restart") {
  const query = { signal: flags.text("signal"), t: flags.int("timeout") ?? flags.int("time") };
  return await eachArgument(args, name, async (container) => {
    await session.client.text({ method: "POST", path: `/containers/${segment(container)}/${verb}`, query });
    return container;
  });
}
