import { lookUp } from "#base/look-up.ts";
import type { TomlValue } from "smol-toml";
import { findLeaf, moveTo, stay, unneeded, type KeyPath, type Leaf, type Move } from "../leaf.ts";

const server = (plugin: string, key: string): KeyPath => ["plugins", `io.containerd.server.v1.${plugin}`, key];

/** What the server listens on becomes plugins. Source: containerd `serviceMigrate`. */
export function v3ToV4({ path, value }: Leaf, all: readonly Leaf[]): Move {
  const [first = "", key = "", ...rest] = path;
  if (rest.length > 0) return stay;
  if (first === "grpc") return moveGrpc(key, value, all);
  if (first === "ttrpc") return moveTtrpc(key, value, all);
  if (first === "debug" && (key === "address" || key === "uid" || key === "gid")) {
    const isServed = (findLeaf(all, "debug", "address")?.value ?? "") !== "";
    return isServed ? moveTo(server("debug", key), value) : unneeded("of an address that is not served");
  }
  if (first !== "metrics") return stay;
  if (key === "address") return value === "" ? unneeded("empty") : moveTo(server("metrics", key), value);
  if (key === "grpc_histogram") return moveTo(["plugins", "io.containerd.metrics.v1.grpc-prometheus", key], value);
  return stay;
}

const tcpKeys: Readonly<Record<string, string>> = {
  tcp_address: "address",
  tcp_tls_ca: "tls_ca",
  tcp_tls_cert: "tls_cert",
  tcp_tls_key: "tls_key",
  tcp_tls_common_name: "tls_common_name",
};

/** `containerd config default` writes an empty address down, which version 4 takes for none. */
function moveTtrpc(key: string, value: TomlValue, all: readonly Leaf[]): Move {
  if (key === "address" && value === "") return unneeded("beside gRPC's");
  if (followsGrpc(key, all)) return unneeded("as gRPC's");
  return moveTo(server("ttrpc", key), value);
}

function moveGrpc(key: string, value: TomlValue, all: readonly Leaf[]): Move {
  const hasTcp = isSet(findLeaf(all, "grpc", "tcp_address"));
  const tcp = lookUp(tcpKeys, key);
  if (tcp !== undefined)
    return hasTcp && value !== "" ? moveTo(server("grpc-tcp", tcp), value) : unneeded("no TCP is served");
  const leaves = [{ path: server("grpc", key), value }];
  if (key.startsWith("max_") && hasTcp) leaves.push({ path: server("grpc-tcp", key), value });
  if (!followsGrpc(key, all)) return { t: "to", outcome: "kept", leaves, note: "" };
  leaves.push({ path: server("ttrpc", key), value: typeof value === "string" ? `${value}.ttrpc` : value });
  return { t: "to", outcome: "kept", leaves, note: "ttrpc does not follow it by itself any more" };
}

/** Up to version 3 the ttrpc socket stood beside a gRPC one that was given, unless it was given itself. */
function followsGrpc(key: string, all: readonly Leaf[]): boolean {
  const isOfSocket = key === "address" || key === "uid" || key === "gid";
  const given = (table: string, name: string) => isSet(findLeaf(all, table, name));
  return isOfSocket && given("grpc", "address") && !given("ttrpc", "address") && !given("ttrpc", key);
}

function isSet(leaf: Leaf | undefined): boolean {
  return leaf !== undefined && leaf.value !== "" && leaf.value !== 0;
}
