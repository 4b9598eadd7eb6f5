import type { ContainerInspect } from "#clients/docker/wire-types.ts";
import { CliError } from "../cli-error.ts";
import type { Command } from "../command.ts";
import { segment } from "../each-argument.ts";
import { write } from "../output.ts";

export const port: Command = {
  usage: "CONTAINER [PRIVATE_PORT[/PROTO]]",
  summary: "List port mappings or a specific mapping for the container",
  flags: "",
  args: { min: 1, max: 2 },
  example: "ferry port web 80",
  completes: "running",
  run: async (session, { args: [container = "", wanted] }) => {
    const path = `/containers/${segment(container)}/json`;
    const { NetworkSettings } = await session.client.json<ContainerInspect>({ path });
    const ports = NetworkSettings.Ports ?? {};
    const address = ({ HostIp, HostPort }: { HostIp: string; HostPort: string }) =>
      `${HostIp.includes(":") ? `[${HostIp}]` : HostIp}:${HostPort}`;
    if (wanted === undefined) {
      const lines = Object.entries(ports).flatMap(([name, bindings]) =>
        (bindings ?? []).map((binding) => `${name} -> ${address(binding)}\n`),
      );
      write(1, lines.sort().join(""));
      return 0;
    }
    const bindings = ports[wanted.includes("/") ? wanted : `${wanted}/tcp`] ?? [];
    if (bindings.length === 0) {
      throw new CliError(`no public port '${wanted}' published for ${container}`, {
        next: `see: ferry port ${container}`,
      });
    }
    write(1, bindings.map((binding) => `${address(binding)}\n`).join(""));
    return 0;
  },
};
