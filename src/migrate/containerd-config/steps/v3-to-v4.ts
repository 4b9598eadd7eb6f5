import type { TomlValue } from "smol-toml";
import { findLeaf, moveTo, stay, unneeded, type KeyPath, type Leaf, type Move } from "../leaf.ts";

const server = (plugin: string, key: string): KeyPath => ["plugins", `io.containerd.server.v1.${plugin}`, key];

/** What the server listens on becomes plugins. Source: containerd `serviceMigrate`. */
export function v3ToV4({ path, value }: Leaf, all: readonly Leaf[]): Move {
  const [first = "", key = "", ...rest] = path;
  if (rest.length > 0) return stay;
  if (first === "grpc") return moveGrpc(key, value, all);
  if (first === "ttrpc") return moveTo(server("ttrpc", key), value);
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

function moveGrpc(key: string, value: TomlValue, all: readonly Leaf[]): Move {
  const hasTcp = (findLeaf(all, "grpc", "tcp_address")?.value ?? "") !== "";
  const tcp = tcpKeys[key];
  if (tcp !== undefined)
    return hasTcp && value !== "" ? moveTo(server("grpc-tcp", tcp), value) : unneeded("no TCP is served");
  const own = { path: server("grpc", key), value };
  const further: { path: KeyPath; value: TomlValue }[] = [];
  let note = "";
  if (key.startsWith("max_") && hasTcp) further.push({ path: server("grpc-tcp", key), value });
  // Up to version 3 the ttrpc socket stood beside the gRPC one unless it was given.
  const derived = key === "address" || key === "uid" || key === "gid";
  if (derived && findLeaf(all, "ttrpc", key) === undefined) {
    const isSet = findLeaf(all, "grpc", "address") !== undefined;
    if (isSet) {
      further.push({ path: server("ttrpc", key), value: typeof value === "string" ? `${value}.ttrpc` : value });
      note = "ttrpc does not follow it by itself any more";
    }
  }
  return { t: "to", outcome: "kept", leaves: [own, ...further], note };
}
