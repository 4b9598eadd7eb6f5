import { EngineError } from "#base/errors.ts";
import type { JsonReader } from "#base/json-reader.ts";
import type { Subnet } from "#core/networks/network.ts";
import { createNetwork, type CreateNetworkRequest } from "#engine/create-network.ts";
import { readBody } from "../read-body.ts";
import { json, type Answer, type RouteContext } from "../route.ts";
import { ensureNetworks } from "./ensure-networks.ts";

export async function createNetworkRoute(context: RouteContext): Promise<Answer> {
  const request = toCreateNetworkRequest(await readBody(context));
  await ensureNetworks(context.call, context.engine);
  const { id } = await createNetwork(context.call, context.engine, request);
  return json({ Id: id, Warning: "" }, 201);
}

/** @throws invalidArgument */
export function toCreateNetworkRequest(body: JsonReader): CreateNetworkRequest {
  const text = (name: string) => body.at(name).optionalString() ?? "";
  for (const field of ["Ingress", "ConfigOnly"]) if (body.at(field).boolean()) throw refused(field);
  if (text("Scope") !== "" && text("Scope") !== "local") throw refused(`Scope "${text("Scope")}"`);
  const ipam = body.at("IPAM");
  const ipamDriver = ipam.at("Driver").optionalString() ?? "";
  if (ipamDriver !== "" && ipamDriver !== "default") throw refused(`IPAM driver "${ipamDriver}"`);
  return {
    name: text("Name"),
    driver: text("Driver"),
    subnets: ipam.at("Config").list(64).filter(hasSubnet).map(toSubnet),
    internal: body.at("Internal").boolean(),
    ipv6: body.at("EnableIPv6").boolean(),
    attachable: body.at("Attachable").boolean(),
    labels: body.at("Labels").stringMap(),
    options: body.at("Options").stringMap(),
  };
}

/** Compose sends `[{}]` where nothing is asked for. */
function hasSubnet(config: JsonReader): boolean {
  return config.keys().length > 0;
}

function toSubnet(config: JsonReader): Subnet {
  const ipRange = config.at("IPRange").optionalString();
  const aux = config.at("AuxiliaryAddresses");
  const subnet = config.at("Subnet").optionalString() ?? "";
  if (subnet === "") throw new EngineError("invalidArgument", "invalid network config: an IPAM config needs a subnet");
  return {
    subnet,
    gateway: config.at("Gateway").optionalString() ?? "",
    ...(ipRange ? { ipRange } : {}),
    ...(aux.keys().length > 0 ? { auxAddresses: aux.stringMap() } : {}),
  };
}

function refused(what: string): EngineError {
  return new EngineError("invalidArgument", `network: ${what}: not supported`);
}
