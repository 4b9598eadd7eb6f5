/** Another bridge and subnet for whoever runs at the same time; `dataDir` is where host-local keeps its leases. */
export type PodNetworkOptions = { readonly bridge: string; readonly subnet: string; readonly dataDir: string };

/**
 * A CNI configuration list: a bridge, and ports of the host where a pod asks for them. It is named as its bridge, and so
 * are host-local's directory in `dataDir` and the comments of its firewall rules.
 */
export function podNetwork({ bridge, subnet, dataDir }: PodNetworkOptions) {
  return {
    cniVersion: "1.0.0",
    name: bridge,
    plugins: [
      {
        type: "bridge",
        bridge,
        isGateway: true,
        ipMasq: true,
        hairpinMode: true,
        ipam: { type: "host-local", dataDir, ranges: [[{ subnet }]], routes: [{ dst: "0.0.0.0/0" }] },
      },
      { type: "portmap", capabilities: { portMappings: true } },
    ],
  };
}
