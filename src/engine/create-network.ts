import { randomBytes } from "node:crypto";
import { nowNs } from "#base/clock.ts";
import { EngineError, isKind } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { Labels } from "#core/labels.ts";
import type { Network, NetworkId, Subnet } from "#core/networks/network.ts";
import type { Engine } from "./engine.ts";
import { networkEvent } from "./network-event.ts";

export type CreateNetworkRequest = {
  readonly name: string;
  /** Empty: `bridge`. */
  readonly driver: string;
  /** Empty: the next free range. `gateway` empty: the first address. */
  readonly subnets: readonly Subnet[];
  readonly internal: boolean;
  readonly ipv6: boolean;
  readonly attachable: boolean;
  readonly labels: Labels;
  readonly options: Readonly<Record<string, string>>;
};

type CreateEngine = Pick<Engine, "networks" | "networkDriver" | "events" | "locks">;

const builtinNames = ["bridge", "host", "none"] as const;

/**
 * Makes a user-defined network. Publishes `create`. Its bridge comes up with its first container.
 *
 * @throws conflict when the name is taken
 * @throws permissionDenied for the names of builtin networks and for ranges that overlap another network's
 * @throws invalidArgument for what cannot be; notFound for a driver there is none of
 */
export async function createNetwork(call: Call, engine: CreateEngine, request: CreateNetworkRequest): Promise<Network> {
  refuseBadRequest(request);
  const network = await record(call, engine, {
    ...request,
    id: newId(),
    driver: "bridge",
    createdAtNs: nowNs(),
    builtin: false,
  });
  networkEvent(call, engine, "create", network);
  return network;
}

/** Makes `bridge`, `host` and `none` where the call's namespace has them not yet. */
export async function ensureBuiltinNetworks(call: Call, engine: CreateEngine): Promise<void> {
  const present = new Set((await engine.networks.list(call)).map(({ name }) => name));
  for (const name of builtinNames) {
    if (present.has(name)) continue;
    try {
      await record(call, engine, builtin(name));
    } catch (error) {
      // Somebody else was quicker.
      if (!isKind(error, "conflict", "alreadyExists")) throw error;
    }
  }
}

/** Plans and records under one lock: two requests at once must not get the same range. */
async function record(call: Call, engine: CreateEngine, wanted: Network): Promise<Network> {
  using _lock = await engine.locks.acquire("networks", call.signal);
  const own = await engine.networks.list(call);
  if (own.some(({ name }) => name === wanted.name)) {
    throw new EngineError("conflict", `network with name ${wanted.name} already exists`);
  }
  const planned = await engine.networkDriver.plan(call, wanted, await engine.networks.listAll());
  await engine.networks.create(call, planned);
  return planned;
}

function builtin(name: (typeof builtinNames)[number]): Network {
  return {
    id: newId(),
    name,
    driver: name,
    subnets: [],
    internal: false,
    ipv6: false,
    attachable: false,
    labels: {},
    options: {},
    createdAtNs: nowNs(),
    builtin: true,
  };
}

function refuseBadRequest({ name, driver }: CreateNetworkRequest): void {
  if (builtinNames.some((reserved) => reserved === name) || name === "default") {
    throw new EngineError("permissionDenied", `operation is not permitted on predefined ${name} network `);
  }
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,254}$/.test(name)) {
    const rule = "only letters, digits and _.- are allowed, the first a letter or digit";
    throw new EngineError("invalidArgument", `invalid network name ${JSON.stringify(name)}: ${rule}`);
  }
  if (driver === "host" || driver === "null" || driver === "none") {
    throw new EngineError("permissionDenied", `only one instance of "${driver}" network is allowed`);
  }
  if (driver !== "" && driver !== "bridge" && driver !== "default") {
    throw new EngineError("notFound", `could not find plugin ${driver} in v1 plugin registry: plugin not found`);
  }
}

function newId(): NetworkId {
  return randomBytes(32).toString("hex") as NetworkId;
}
