import { command, timeCommand } from "#test/support/processes.ts";
import { inTurn, type Scenario } from "./scenario.ts";

/** `run --rm … true` and `exec … true` as a person at a shell feels them. */
export const shell: Scenario = {
  name: "shell",
  async run({ peers, image, progress }) {
    progress("run --rm true");
    const runs = await inTurn(
      peers,
      15,
      async ({ commands }, round) => await timeCommand(commands.runTrue(image, `bench-run-${round}`)),
    );
    for (const { commands } of peers) await command(commands.startSleeping(image, "bench-exec"));
    progress("exec true");
    const execs = await inTurn(peers, 15, async ({ commands }) => await timeCommand(commands.exec("bench-exec")));
    for (const { commands } of peers) for (const argv of commands.remove("bench-exec")) await command(argv);
    return [
      { name: "run --rm true, from the shell", unit: "ms", samples: runs, goals: { docker: 0.6 } },
      { name: "exec true, from the shell", unit: "ms", samples: execs },
    ];
  },
};
