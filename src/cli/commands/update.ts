import type { Command } from "../command.ts";
import { eachArgument, segment } from "../each-argument.ts";
import { warn } from "../output.ts";
import { resources } from "../run/container-config.ts";
import { parseRestartPolicy } from "../run/parse-values.ts";
import { CliError } from "../cli-error.ts";

export const update: Command = {
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  summary: "Update configuration of one or more containers",
  flags: `
    --blkio-weight int           Block IO weight, 10 to 1000, or 0 to disable
    --cpu-period int             CPU CFS period (microseconds)
    --cpu-quota int              CPU CFS quota (microseconds)
    --cpu-rt-period int          CPU real-time period (microseconds)
    --cpu-rt-runtime int         CPU real-time runtime (microseconds)
-c, --cpu-shares int             CPU shares (relative weight)
    --cpus decimal               Number of CPUs
    --cpuset-cpus string         CPUs in which to allow execution (0-3, 0,1)
    --cpuset-mems string         Memory nodes in which to allow execution (0-3, 0,1)
-m, --memory bytes               Memory limit
    --memory-reservation bytes   Memory soft limit
    --memory-swap bytes          Memory plus swap; -1 is unlimited swap
    --pids-limit int             Limit of processes (-1 for unlimited)
    --restart string             Restart policy: no, always, unless-stopped, on-failure[:n]
`,
  args: { min: 1 },
  example: "ferry update --memory 512m --restart always web",
  completes: "containers",
  run: async (session, { flags, args, name }) => {
    const changes = { ...resources(flags), RestartPolicy: flags.parsed("restart", parseRestartPolicy) };
    const json = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
    if (Object.keys(json).length === 0) {
      throw new CliError("you must provide one or more flags when using this command", { next: "ferry update --help" });
    }
    return await eachArgument(args, name, async (container) => {
      const path = `/containers/${segment(container)}/update`;
      const answer = await session.client.json<{ Warnings?: string[] | null }>({ method: "POST", path, json });
      for (const warning of answer.Warnings ?? []) warn(`WARNING: ${warning}`);
      return container;
    });
  },
};
