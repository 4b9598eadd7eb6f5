import type { Brand } from "#base/brand.ts";
import type { UnixNs } from "#base/clock.ts";
import type { Labels } from "#core/labels.ts";

/** 64 hex digits, as Docker's. */
export type NetworkId = Brand<string, "NetworkId">;

/** One address range of a network. */
export type Subnet = {
  /** CIDR: `172.18.0.0/16`, `fd00:1::/64`. */
  readonly subnet: string;
  readonly gateway: string;
  /** Addresses are given from this part of the subnet only. */
  readonly ipRange?: string;
  readonly auxAddresses?: Readonly<Record<string, string>>;
};

export type Network = {
  readonly id: NetworkId;
  readonly name: string;
  /** `bridge` is ours to set up; `host` and `none` stand for the absence of one. */
  readonly driver: "bridge" | "host" | "none";
  readonly subnets: readonly Subnet[];
  /** No route to the outside. */
  readonly internal: boolean;
  readonly ipv6: boolean;
  /** Name of the bridge interface; 15 characters at most. */
  readonly bridge?: string;
  readonly attachable: boolean;
  readonly labels: Labels;
  /** Docker's driver options (`com.docker.network.bridge.name`). */
  readonly options: Readonly<Record<string, string>>;
  readonly createdAtNs: UnixNs;
  /** Made by Ferry: `bridge`, `host`, `none`; cannot be removed. */
  readonly builtin: boolean;
};

export type PortProtocol = "tcp" | "udp" | "sctp";

export type PublishedPort = {
  readonly containerPort: number;
  readonly protocol: PortProtocol;
  /** Empty: every address of the host. */
  readonly hostIp: string;
  /** Given by the kernel where the request had 0. */
  readonly hostPort: number;
};

/** How a container is on a network: the record that detaching needs, kept until it is done. */
export type NetworkAttachment = {
  readonly networkId: NetworkId;
  readonly networkName: string;
  /** Interface in the container: `eth0`. */
  readonly interfaceName: string;
  /** 64 hex digits, as Docker's endpoint id. */
  readonly endpointId: string;
  readonly macAddress: string;
  readonly ipv4?: { readonly address: string; readonly prefixLength: number; readonly gateway: string };
  readonly ipv6?: { readonly address: string; readonly prefixLength: number; readonly gateway: string };
  readonly ports: readonly PublishedPort[];
  /** Names the container answers to on this network besides its own. */
  readonly aliases: readonly string[];
};
