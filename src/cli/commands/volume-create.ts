import type { Command } from "../command.ts";
import { print } from "../output.ts";
import { parsePairs } from "../run/parse-values.ts";

export const volumeCreate: Command = {
  usage: "[OPTIONS] [VOLUME]",
  summary: "Create a volume",
  flags: `
-d, --driver string   Specify volume driver name (default "local")
    --label list      Set metadata for a volume
    --name string     As VOLUME
-o, --opt list        Set driver specific options
`,
  args: { min: 0, max: 1 },
  example: "ferry volume create --label app=shop data",
  run: async (session, { flags, args: [name] }) => {
    const { Name } = await session.client.json<{ Name: string }>({
      method: "POST",
      path: "/volumes/create",
      json: {
        Name: name ?? flags.text("name") ?? "",
        Driver: flags.text("driver") ?? "local",
        DriverOpts: parsePairs(flags.list("opt")),
        Labels: parsePairs(flags.list("label")),
      },
    });
    print(Name);
    return 0;
  },
};
