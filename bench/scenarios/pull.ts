import { command, timeCommand } from "#test/support/processes.ts";
import { inTurn, type Scenario } from "./scenario.ts";

/** Pull and unpack of the Debian image (3 layers, 13,000 files) from a loopback registry, by each command line. */
export const pull: Scenario = {
  name: "pull",
  async run({ peers, bigImage, progress }) {
    const samples = await inTurn(peers, 4, async ({ name, commands }, round) => {
      progress(`pull ${round + 1}/4 ${name}`);
      const took = await timeCommand(commands.pull(bigImage));
      for (const argv of commands.forget(bigImage)) await command(argv);
      return took;
    });
    return [{ name: "pull + unpack, Debian image", unit: "ms", samples, goals: { containerd: 0.8, docker: 0.7 } }];
  },
};
