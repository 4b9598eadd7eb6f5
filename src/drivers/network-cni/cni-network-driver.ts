import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { EngineError, messageOf } from "#base/errors.ts";
import type { JsonObject } from "#base/json.ts";
import { silentLogger } from "#base/logger.ts";
import { type Call, detachedCall, parseNamespace } from "#core/call.ts";
import { parseIpBlock } from "#core/networks/ip-address.ts";
import type { Network, NetworkAttachment, PublishedPort } from "#core/networks/network.ts";
import type { AttachRequest, NetworkDriver } from "#core/networks/network-driver.ts";
import { Cni, type CniAttachmentSpec } from "./cni.ts";
import { CniCache } from "./cni-cache.ts";
import type { CniResult } from "./cni-result.ts";
import { conflistOf } from "./conflist.ts";
import { Firewall } from "./firewall.ts";
import type { FirewalledNetwork, Forwarding } from "./firewall-rules.ts";
import { deleteInterface, ensureQuickBridge, isLinuxNamespace, readHost, routeLoopback } from "./host-network.ts";
import { flushUdpFlows } from "./flush-conntrack.ts";
import { HostPorts } from "./host-ports.ts";
import { type Instance, instanceOf, type NetworkSettings } from "./instance.ts";
import { Leases } from "./leases.ts";
import { networkOptions, planNetwork } from "./plan-network.ts";

export type CniNetworkDriverOptions = {
  /** Leases and results are kept in `cni/` below it; a reboot clears it with what they stand for. */
  readonly stateDirectory: string;
  readonly binDirectories: readonly string[];
  /** One plugin run. */
  readonly timeoutMs: number;
  readonly settings?: NetworkSettings;
};

/** Rules and bridges are the machine's, no tenant's. */
const anyNamespace = parseNamespace("default");

type Live = { network: Network; containerId: string; attachment: NetworkAttachment };

/**
 * Bridge networks by the CNI plugins `bridge` and `host-local`; masquerading, isolation and published ports by rules
 * of our own. `recover` comes before everything else: it tells which ports and rules are in use.
 */
export class CniNetworkDriver implements NetworkDriver {
  readonly #cni: Cni;
  readonly #cache: CniCache;
  readonly #leases: Leases;
  readonly #ports = new HostPorts();
  readonly #firewall: Firewall;
  readonly #instance: Instance;
  /** Networks that may have a bridge or rules on the host, and who is on them. */
  readonly #present = new Map<string, { network: Network; readonly endpoints: Set<string> }>();

  /** @throws invalidArgument when a setting is no address range */
  constructor(options: CniNetworkDriverOptions) {
    const cacheDirectory = join(options.stateDirectory, "cni/results");
    this.#cni = new Cni({ binDirectories: options.binDirectories, cacheDirectory, timeoutMs: options.timeoutMs });
    this.#cache = new CniCache(cacheDirectory);
    this.#leases = new Leases(join(options.stateDirectory, "cni/leases"));
    this.#instance = instanceOf(options.stateDirectory, options.settings);
    this.#firewall = new Firewall(this.#instance.chainPrefix);
  }

  async plan(_call: Call, network: Network, others: readonly Network[]): Promise<Network> {
    return planNetwork(network, others, await readHost(), this.#instance);
  }

  async remove(call: Call, network: Network): Promise<void> {
    if (network.bridge === undefined) return;
    await this.#firewall.deleteNetwork(call, network.id);
    if (network.options[networkOptions.adoptedBridge] === undefined) await deleteInterface(call, network.bridge);
    await this.#leases.deleteNetwork(network.id);
    this.#present.delete(network.id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ports.clear();
    const call = { signal: AbortSignal.timeout(10_000), log: silentLogger, namespace: anyNamespace };
    const idle = [...this.#present.values()].filter(({ endpoints }) => endpoints.size === 0);
    for (const { network } of idle) await this.remove(call, network);
  }

  async attach(call: Call, request: AttachRequest): Promise<NetworkAttachment> {
    await using undo = new AsyncDisposableStack();
    const { endpoints } = this.#note(request.network);
    const endpointId = randomBytes(32).toString("hex");
    endpoints.add(endpointId);
    undo.defer(() => void endpoints.delete(endpointId));
    const ports = await this.#reserve(endpointId, request);
    undo.defer(() => this.#ports.release(endpointId));
    const result = await this.#add(call, request);
    undo.defer(() => this.#delete(detachedCall(call), request));
    const attachment = toAttachment(request, endpointId, ports, result);
    // Even a call that fails may have been written.
    undo.defer(() => this.#firewall.unpublish(detachedCall(call), endpointId));
    await this.#open(call, request.network, attachment);
    undo.move();
    return attachment;
  }

  async detach(
    call: Call,
    request: { network: Network; containerId: string; linuxNamespacePath?: string; attachment: NetworkAttachment },
  ): Promise<void> {
    const { network, containerId, attachment } = request;
    if (network.bridge === undefined) return;
    const path = request.linuxNamespacePath ?? "";
    const linuxNamespacePath = path !== "" && (await isLinuxNamespace(path)) ? path : "";
    const { interfaceName } = attachment;
    const results = await Promise.allSettled([
      this.#firewall.unpublish(call, attachment.endpointId),
      this.#delete(call, { network, containerId, linuxNamespacePath, interfaceName }),
    ]);
    for (const result of results) if (result.status === "rejected") throw result.reason;
    await flushStale(call, attachment);
    this.#ports.release(attachment.endpointId);
    this.#note(network).endpoints.delete(attachment.endpointId);
  }

  async recover(
    call: Call,
    networks: readonly Network[],
    live: readonly Live[],
    unknown: ReadonlySet<string> = new Set(),
  ): Promise<void> {
    for (const network of networks) this.#note(network);
    for (const { network, attachment } of live) this.#note(network).endpoints.add(attachment.endpointId);
    const keys = new Set(live.map(({ network, containerId }) => `${network.id}/${containerId}`));
    const isLive = (networkId: string, containerId: string) =>
      keys.has(`${networkId}/${containerId}`) || unknown.has(containerId);
    for (const { networkId, containerId } of await this.#leases.prune(isLive)) {
      if (unknown.has(containerId)) this.#present.get(networkId)?.endpoints.add(`unknown/${containerId}`);
    }
    await this.#cache.prune(isLive);
    this.#ports.clear();
    for (const { containerId, attachment } of live) {
      const owner = containerId.slice(0, 12);
      for (const { hostPort, protocol } of this.#ports.restore(attachment.endpointId, owner, attachment.ports)) {
        const text = `port ${hostPort}/${protocol}: opened by a process of the host, while its traffic goes to a container`;
        call.log.warn({ containerId }, text);
      }
    }
    for (const family of [4, 6] as const) await this.#firewall.restore(call, family, liveRules(family, live));
    await restoreLoopbackRoutes(call, live);
  }

  #note(network: Network) {
    const noted = this.#present.get(network.id) ?? { network, endpoints: new Set<string>() };
    this.#present.set(network.id, noted);
    return noted;
  }

  async #reserve(endpointId: string, request: AttachRequest): Promise<PublishedPort[]> {
    try {
      return await this.#ports.reserve(endpointId, request.containerName, request.ports);
    } catch (error) {
      const endpoint = `endpoint ${request.containerName} (${endpointId})`;
      throw new EngineError(
        "resourceExhausted",
        `driver failed programming external connectivity on ${endpoint}: ${messageOf(error)}`,
        { cause: error },
      );
    }
  }

  async #add(call: Call, request: AttachRequest): Promise<CniResult> {
    const { network, ipv4Address, ipv6Address, macAddress } = request;
    const addresses = [ipv4Address, ipv6Address].filter((address) => address !== undefined);
    for (const address of addresses) await this.#refuseHeld(request, address);
    const capabilityArgs: JsonObject = {};
    if (addresses.length > 0) capabilityArgs["ips"] = addresses;
    if (macAddress !== undefined) capabilityArgs["mac"] = macAddress;
    await this.#leases.ensure();
    if (network.ipv6 && network.bridge !== undefined) await ensureQuickBridge(call, network.bridge);
    const { defaultRoute } = request;
    return await this.#cni.add(call, this.#list(network, defaultRoute, addresses.length > 0), {
      ...spec(request),
      capabilityArgs,
    });
  }

  async #refuseHeld({ network, containerId }: AttachRequest, address: string): Promise<void> {
    const holder = await this.#leases.findHolder(network.id, address);
    const isGateway = network.subnets.some(({ gateway }) => gateway === address);
    if (!isGateway && (holder === undefined || holder === containerId)) return;
    const by = holder === undefined ? "the gateway" : `container ${holder.slice(0, 12)}`;
    throw new EngineError(
      "permissionDenied",
      `Address already in use: ${address} on network ${network.name} (by ${by})`,
    );
  }

  async #delete(
    call: Call,
    request: { network: Network; containerId: string; linuxNamespacePath: string; interfaceName: string },
  ): Promise<void> {
    await this.#cni.delete(call, this.#list(request.network, true, false), spec(request));
  }

  #list(network: Network, defaultRoute: boolean, staticAddress: boolean) {
    return conflistOf(network, { leaseDirectory: this.#leases.directory, defaultRoute, staticAddress });
  }

  async #open(call: Call, network: Network, attachment: NetworkAttachment): Promise<void> {
    await Promise.all(
      ([4, 6] as const).map(async (family) => {
        const rules = firewalled(network, family);
        if (rules === undefined) return;
        const ports = forwardings(attachment, family);
        // First, so that one write serves both.
        const published =
          ports.length > 0 ? this.#firewall.publish(call, family, attachment.endpointId, ports) : undefined;
        await Promise.all([published, this.#firewall.setNetwork(call, family, network.id, rules)]);
      }),
    );
    if (attachment.ports.length > 0 && network.bridge !== undefined) await routeLoopback(network.bridge);
    await flushStale(call, attachment);
  }
}

/** After the rules of an endpoint came or went: flows that began under the former ones. */
async function flushStale(call: Call, attachment: NetworkAttachment): Promise<void> {
  for (const family of [4, 6] as const) {
    const ports = forwardings(attachment, family).filter(({ protocol }) => protocol === "udp");
    await flushUdpFlows(call, family, new Set(ports.map(({ hostPort }) => hostPort)));
  }
}

function spec(request: { containerId: string; linuxNamespacePath: string; interfaceName: string }): CniAttachmentSpec {
  const { containerId, linuxNamespacePath, interfaceName } = request;
  return { containerId, linuxNamespacePath, interfaceName };
}

function toAttachment(
  request: AttachRequest,
  endpointId: string,
  ports: readonly PublishedPort[],
  result: CniResult,
): NetworkAttachment {
  const inside = result.interfaces.find(({ name, sandbox }) => name === request.interfaceName && sandbox !== "");
  const attachment = {
    networkId: request.network.id,
    networkName: request.network.name,
    interfaceName: request.interfaceName,
    endpointId,
    macAddress: inside?.mac ?? "",
    ports,
    aliases: request.aliases,
  };
  const [ipv4, ipv6] = [4, 6].map((family) => addressOf(result, family));
  return { ...attachment, ...(ipv4 && { ipv4 }), ...(ipv6 && { ipv6 }) };
}

function addressOf(result: CniResult, family: number): NetworkAttachment["ipv4"] {
  const ip = result.ips.find(({ address }) => parseIpBlock(address).family === family);
  if (ip === undefined) return undefined;
  const [address = "", prefix = ""] = ip.address.split("/");
  return { address, prefixLength: Number(prefix), gateway: ip.gateway };
}

function firewalled(network: Network, family: 4 | 6): FirewalledNetwork | undefined {
  const subnet = network.subnets.find(({ subnet }) => parseIpBlock(subnet).family === family)?.subnet;
  if (subnet === undefined || network.bridge === undefined) return undefined;
  return { bridge: network.bridge, subnet, internal: network.internal };
}

/** A port of one family's host address goes to that family's container address. */
function forwardings(attachment: NetworkAttachment, family: 4 | 6): Forwarding[] {
  const address = (family === 4 ? attachment.ipv4 : attachment.ipv6)?.address;
  if (address === undefined) return [];
  const fits = (hostIp: string) => hostIp === "" || hostIp.includes(":") === (family === 6);
  const everywhere = new Set(["0.0.0.0", "::"]);
  return attachment.ports
    .filter(({ hostIp }) => fits(hostIp))
    .map(({ protocol, hostIp, hostPort, containerPort }) => {
      return { protocol, hostIp: everywhere.has(hostIp) ? "" : hostIp, hostPort, containerPort, address };
    });
}

function liveRules(family: 4 | 6, live: readonly Live[]) {
  const networks = new Map<string, FirewalledNetwork>();
  const ports = new Map<string, readonly Forwarding[]>();
  for (const { network, attachment } of live) {
    const rules = firewalled(network, family);
    if (rules !== undefined) networks.set(network.id, rules);
    const open = forwardings(attachment, family);
    if (open.length > 0) ports.set(attachment.endpointId, open);
  }
  return { networks, forwardings: ports };
}

async function restoreLoopbackRoutes(call: Call, live: readonly Live[]): Promise<void> {
  const publishing = live.filter(({ attachment }) => attachment.ports.length > 0);
  const bridges = new Set(publishing.flatMap(({ network }) => (network.bridge === undefined ? [] : [network.bridge])));
  for (const bridge of bridges) {
    try {
      await routeLoopback(bridge);
    } catch (error) {
      call.log.warn({}, `network bridge ${bridge}: is gone: ${messageOf(error)}`);
    }
  }
}
