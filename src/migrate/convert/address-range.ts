import { BlockList, isIP } from "node:net";

/** Whether a text is an address range: `10.0.0.0/8`, `fd00::/8`. */
export function isAddressRange(text: string): boolean {
  const [address = "", bits = "", ...more] = text.split("/");
  const most = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  return /^\d{1,3}$/.test(bits) && Number(bits) <= most && more.length === 0;
}

/** Whether a text is a registry's host, with a port or without: it names a directory, so it is nothing that leads out of one. */
export function isRegistryHost(text: string): boolean {
  return /^(?:[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/.test(text);
}

/** Those of `hosts` (`10.1.2.3:5000`) whose address is in the range; a name is not looked up. */
export function hostsInRange(range: string, hosts: readonly string[]): string[] {
  const [address = "", bits = "0"] = range.split("/");
  const list = new BlockList();
  list.addSubnet(address, Number(bits), family(address));
  return hosts.filter((host) => {
    const ip = host.replace(/:\d+$/, "").replace(/^\[|\]$/g, "");
    return isIP(ip) !== 0 && list.check(ip, family(ip));
  });
}

function family(address: string): "ipv4" | "ipv6" {
  return isIP(address) === 6 ? "ipv6" : "ipv4";
}
