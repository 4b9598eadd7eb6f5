import { CliError } from "../cli-error.ts";
import type { Command, Input } from "../command.ts";
import type { Flags } from "../flags.ts";
import { print, warn } from "../output.ts";
import { parsePairs } from "../run/parse-values.ts";
import type { Session } from "../session.ts";

export const networkCreate: Command = {
  usage: "[OPTIONS] NETWORK",
  summary: "Create a network",
  flags: `
    --attachable           Enable manual container attachment
    --aux-address list     Addresses the driver must leave alone (name=ip)
-d, --driver string        Driver to manage the network (default "bridge")
    --gateway list         Gateway of the subnet
    --internal             Restrict external access to the network
    --ip-range list        Allocate container addresses from a sub-range
    --ipam-driver string   IP address management driver (default "default")
    --ipam-opt list        Options of that driver
    --ipv4                 Assign IPv4 addresses (default true)
    --ipv6                 Assign IPv6 addresses
    --label list           Set metadata on a network
-o, --opt list             Set driver specific options
    --scope string         Control the network's scope
    --subnet list          Subnet in CIDR format
`,
  args: { min: 1, max: 1 },
  example: "ferry network create --subnet 10.9.0.0/24 app",
  run,
};

async function run(session: Session, { flags, args: [name = ""] }: Input): Promise<number> {
  const { Id, Warning } = await session.client.json<{ Id: string; Warning?: string }>({
    method: "POST",
    path: "/networks/create",
    json: {
      Name: name,
      CheckDuplicate: true,
      Driver: flags.text("driver") ?? "bridge",
      Attachable: flags.bool("attachable"),
      Internal: flags.bool("internal"),
      EnableIPv6: flags.bool("ipv6"),
      ...(flags.has("ipv4") ? { EnableIPv4: flags.bool("ipv4") } : {}),
      Scope: flags.text("scope") ?? "",
      Options: parsePairs(flags.list("opt")),
      Labels: parsePairs(flags.list("label")),
      IPAM: {
        Driver: flags.text("ipam-driver") ?? "default",
        Options: parsePairs(flags.list("ipam-opt")),
        Config: readPools(flags),
      },
    },
  });
  if (Warning !== undefined && Warning !== "") warn(`WARNING: ${Warning}`);
  print(Id);
  return 0;
}

/** Pairs every gateway and range with its subnet: the one of the same place when each has one. */
function readPools(flags: Flags): Record<string, unknown>[] {
  const split = (name: string) => flags.list(name).flatMap((text) => text.split(","));
  const [subnets, gateways, ranges] = [split("subnet"), split("gateway"), split("ip-range")];
  if (subnets.length === 0 && gateways.length + ranges.length > 0) {
    throw new CliError("every ip-range or gateway must have a corresponding subnet", { next: "add --subnet" });
  }
  const family = (address: string | undefined) => (address?.includes(":") === true ? 6 : 4);
  const take = (list: string[], subnet: string) => {
    const at = list.findIndex((one) => family(one) === family(subnet));
    return at < 0 ? undefined : list.splice(at, 1)[0];
  };
  const aux = parsePairs(flags.list("aux-address"));
  const pools = subnets.map((subnet) => ({
    Subnet: subnet,
    Gateway: take(gateways, subnet),
    IPRange: take(ranges, subnet),
    AuxiliaryAddresses: Object.keys(aux).length === 0 ? undefined : aux,
  }));
  if (gateways.length + ranges.length > 0) throw new CliError("more gateways or ip-ranges than subnets");
  return pools;
}
