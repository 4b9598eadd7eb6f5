import type { Command } from "../command.ts";
import { segment } from "../each-argument.ts";
import type { EndpointSettings } from "../run/network-flags.ts";
import { parsePairs } from "../run/parse-values.ts";
import type { Flags } from "../flags.ts";

export const networkConnect: Command = {
  usage: "[OPTIONS] NETWORK CONTAINER",
  summary: "Connect a container to a network",
  flags: `
    --alias list           Add network-scoped alias for the container
    --driver-opt list      Driver options for the network
    --gw-priority int      The highest one provides the default gateway
    --ip string            IPv4 address (172.30.100.104)
    --ip6 string           IPv6 address (2001:db8::33)
    --link list            Add link to another container
    --link-local-ip list   Add a link-local address for the container
`,
  args: { min: 2, max: 2 },
  example: "ferry network connect --alias db app postgres",
  completes: "networks",
  run: async (session, { flags, args: [network = "", container = ""] }) => {
    const json = { Container: container, EndpointConfig: readEndpoint(flags) };
    await session.client.text({ method: "POST", path: `/networks/${segment(network)}/connect`, json });
    return 0;
  },
};

export const networkDisconnect: Command = {
  usage: "[OPTIONS] NETWORK CONTAINER",
  summary: "Disconnect a container from a network",
  flags: `
-f, --force   Force the container to disconnect from a network
`,
  args: { min: 2, max: 2 },
  example: "ferry network disconnect app postgres",
  completes: "networks",
  run: async (session, { flags, args: [network = "", container = ""] }) => {
    const json = { Container: container, Force: flags.bool("force") };
    await session.client.text({ method: "POST", path: `/networks/${segment(network)}/disconnect`, json });
    return 0;
  },
};

function readEndpoint(flags: Flags): EndpointSettings {
  const [v4, v6, local] = [flags.text("ip"), flags.text("ip6"), flags.list("link-local-ip")];
  const priority = flags.int("gw-priority");
  return {
    Aliases: [...flags.list("alias")],
    Links: [...flags.list("link")],
    DriverOpts: parsePairs(flags.list("driver-opt")),
    ...(priority === undefined ? {} : { GwPriority: priority }),
    IPAMConfig: {
      ...(v4 === undefined ? {} : { IPv4Address: v4 }),
      ...(v6 === undefined ? {} : { IPv6Address: v6 }),
      ...(local.length === 0 ? {} : { LinkLocalIPs: [...local] }),
    },
  };
}
