import assert from "node:assert/strict";
import test from "node:test";
import type { NetworkAttachment, NetworkId } from "#core/networks/network.ts";
import { hostsFile, resolvConf } from "./container-files.ts";

const attachment: NetworkAttachment = {
  networkId: "n" as NetworkId,
  networkName: "n",
  interfaceName: "eth0",
  endpointId: "e",
  macAddress: "",
  ipv4: { address: "172.17.0.2", prefixLength: 16, gateway: "172.17.0.1" },
  ipv6: { address: "fd00::2", prefixLength: 64, gateway: "fd00::1" },
  ports: [],
  aliases: [],
};
const dns = { servers: [], searches: [], options: [] };
const hostText =
  "# host\nsearch corp.example lan\nnameserver 127.0.0.53\nnameserver 10.0.0.53\nnameserver fd00::53\noptions edns0\n";
const fixed = 6;

function hosts(config: Partial<Parameters<typeof hostsFile>[0]>, gateway?: string): string[] {
  const all = hostsFile({ hostname: "web", domainname: "", extraHosts: [], ...config }, [attachment], gateway);
  return all.trimEnd().split("\n").slice(fixed);
}

test("hosts has extra hosts, then the container's own names and addresses", () => {
  assert.deepEqual(hosts({}), ["172.17.0.2\tweb", "fd00::2\tweb"]);
  assert.deepEqual(hosts({ domainname: "example.com" })[0], "172.17.0.2\tweb.example.com web");
  const extraHosts = ["db:10.1.1.1", "six:fd00::9", "up:host-gateway", "braces:[::1]"];
  assert.deepEqual(hosts({ extraHosts }).slice(0, 4), [
    "10.1.1.1\tdb",
    "fd00::9\tsix",
    "172.17.0.1\tup",
    "::1\tbraces",
  ]);
  assert.equal(hosts({ extraHosts: ["up:host-gateway"] }, "192.0.2.1")[0], "192.0.2.1\tup");
  assert.throws(() => hosts({ extraHosts: ["db:nowhere"] }), { kind: "invalidArgument" });
  assert.equal(hostsFile({ hostname: "", domainname: "", extraHosts: [] }, []).split("\n")[0], "127.0.0.1\tlocalhost");
});

test("resolv.conf on the default bridge is the host's without loopback; public resolvers where none is left", () => {
  const base = { hostText, dns, networkMode: "private", servers: [], ipv6: false } as const;
  assert.equal(resolvConf(base), "nameserver 10.0.0.53\nsearch corp.example lan\noptions edns0\n");
  assert.match(resolvConf({ ...base, ipv6: true }), /^nameserver 10\.0\.0\.53\nnameserver fd00::53\n/);
  const empty = resolvConf({ ...base, hostText: "nameserver ::1\n" });
  assert.equal(empty, "nameserver 8.8.8.8\nnameserver 8.8.4.4\n");
});

test("on a network with names, its server alone, without search before the name itself", () => {
  const base = { hostText, dns, networkMode: "private", servers: ["172.18.0.1"], ipv6: false } as const;
  assert.equal(resolvConf(base), "nameserver 172.18.0.1\nsearch corp.example lan\noptions edns0 ndots:0\n");
  const own = { servers: ["9.9.9.9"], searches: ["."], options: ["ndots:3"] };
  assert.equal(resolvConf({ ...base, dns: own }), "nameserver 172.18.0.1\noptions ndots:3\n");
});

test("what the container asks for overrides the host's; the host's network keeps loopback servers", () => {
  const own = { servers: ["127.0.0.1"], searches: ["x.example"], options: [] };
  const base = { hostText, dns: own, networkMode: "private", servers: [], ipv6: false } as const;
  assert.equal(resolvConf(base), "nameserver 127.0.0.1\nsearch x.example\noptions edns0\n");
  const host = resolvConf({ ...base, dns, networkMode: "host" });
  assert.match(host, /^nameserver 127\.0\.0\.53\nnameserver 10\.0\.0\.53\nnameserver fd00::53\n/);
});
