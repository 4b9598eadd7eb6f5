import type { Call } from "#core/call.ts";
import type { Network, NetworkAttachment, PortProtocol } from "./network.ts";

export type AttachRequest = {
  readonly network: Network;
  readonly containerId: string;
  /** For messages. */
  readonly containerName: string;
  /** Path of the container's linux network namespace. */
  readonly linuxNamespacePath: string;
  readonly interfaceName: string;
  /** Whether the way to everywhere else goes over this network; one per container, never an internal one. */
  readonly defaultRoute: boolean;
  /** Addresses asked for; otherwise the next free ones. */
  readonly ipv4Address?: string;
  readonly ipv6Address?: string;
  readonly macAddress?: string;
  readonly aliases: readonly string[];
  /** Published on the network with the default route only. `hostPort` 0 asks for a free one. */
  readonly ports: readonly { containerPort: number; protocol: PortProtocol; hostIp: string; hostPort: number }[];
};

/** Puts containers on networks. Disposing takes away what no container uses (idle bridges, rules); the rest stays. */
export interface NetworkDriver extends AsyncDisposable {
  /**
   * Checks a network before it is recorded and fills in what is left open (subnet, gateway, bridge name).
   * `others` are all the machine's, every namespace's.
   * @throws invalidArgument @throws permissionDenied when it overlaps another (Docker answers 403)
   */
  plan(call: Call, network: Network, others: readonly Network[]): Promise<Network>;
  /** Takes away what the network itself has on the host (bridge, rules). Nothing there is a success. */
  remove(call: Call, network: Network): Promise<void>;
  /**
   * Adds an interface to a linux network namespace. On failure nothing is left.
   * @throws resourceExhausted when a port is in use, by whom where known (Docker answers 500)
   * @throws permissionDenied when the address asked for is in use (Docker answers 403)
   */
  attach(call: Call, request: AttachRequest): Promise<NetworkAttachment>;
  /** Takes it away again: interface, address, port rules; also after a crash or a reboot, when half of it is gone. Idempotent. */
  detach(
    call: Call,
    request: { network: Network; containerId: string; linuxNamespacePath?: string; attachment: NetworkAttachment },
  ): Promise<void>;
  /**
   * At start: restores what the host lost (rules), and removes attachments of containers not in `live`. `networks` are
   * all the machine's. Of containers in `unknown` nobody knows the attachments: their addresses stay taken and their
   * networks stay up until a start that does not name them.
   */
  recover(
    call: Call,
    networks: readonly Network[],
    live: readonly { network: Network; containerId: string; attachment: NetworkAttachment }[],
    unknown?: ReadonlySet<string>,
  ): Promise<void>;
}
