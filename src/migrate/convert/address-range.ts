import { BlockList, isIP } from "node:net";

/** Whether a text is an address range: `10.0.0.0/8`, `fd00::/8`. */
export function isAddressRange(text: string): boolean {
  const [address = "", bits = "", ...more] = text.split("/");
  return isIP(address) !== 0 && /^\d+$/.test(bits) && more.length === 0;
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

/** Registry of a reference: what stands before the first slash, where it looks like a host; else Docker Hub. */
export function registryOf(reference: string): string {
  const [first = "", ...rest] = reference.split("/");
  return rest.length > 0 && (/[.:]/.test(first) || first === "localhost") ? first : "docker.io";
}

function family(address: string): "ipv4" | "ipv6" {
  return isIP(address) === 6 ? "ipv6" : "ipv4";
}
