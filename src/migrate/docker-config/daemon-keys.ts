/** How the value of a key is read; undefined for a value of another type, which dockerd refuses. */
export type ValueKind<T> = { readonly expected: string; readonly read: (value: unknown) => T | undefined };

export type DockerRuntime = {
  /** An OCI runtime's name or path. */
  readonly path?: string;
  readonly runtimeArgs?: readonly string[];
  /** A shim, `io.containerd.kata.v2`; since Docker 23. */
  readonly runtimeType?: string;
  readonly options?: Readonly<Record<string, unknown>>;
};
export type Ulimit = { readonly soft: number; readonly hard: number };
export type AddressPool = { readonly base: string; readonly size: number };

type Json = Readonly<Record<string, unknown>>;

const text: ValueKind<string> = { expected: "a string", read: (value) => (isText(value) ? value : undefined) };
const flag: ValueKind<boolean> = {
  expected: "true or false",
  read: (value) => (typeof value === "boolean" ? value : undefined),
};
const integer: ValueKind<number> = {
  expected: "a whole number",
  read: (value) => (typeof value === "number" && Number.isSafeInteger(value) ? value : undefined),
};
/** Bytes as a number, or a text with a unit. */
const size: ValueKind<string> = {
  expected: 'a size as "64m"',
  read: (value) => (isText(value) ? value : typeof value === "number" ? String(value) : undefined),
};
const texts: ValueKind<readonly string[]> = {
  expected: "a list of strings",
  read: (value) => (Array.isArray(value) && value.every(isText) ? value : undefined),
};
const textTable = tableOf("an object of strings", text.read);
const object: ValueKind<Json> = { expected: "an object", read: (value) => (isObject(value) ? value : undefined) };

/**
 * Every key that a dockerd has taken in `daemon.json`, from 1.10 on. Several were dropped since; an older file has them.
 *
 * Source: moby `daemon/config/config.go`, `config_linux.go`, `daemon/pkg/registry/config.go`, at 20.10 and at 29.
 */
export const daemonKeys = {
  "allow-direct-routing": flag,
  "allow-nondistributable-artifacts": texts,
  "api-cors-header": text,
  "authorization-plugins": texts,
  bip: text,
  bip6: text,
  bridge: text,
  "bridge-accept-fwmark": text,
  builder: object,
  "cdi-spec-dirs": texts,
  "cgroup-parent": text,
  "cluster-advertise": text,
  "cluster-store": text,
  "cluster-store-opts": textTable,
  containerd: text,
  "containerd-namespace": text,
  "containerd-plugin-namespace": text,
  "cpu-rt-period": integer,
  "cpu-rt-runtime": integer,
  "cri-containerd": flag,
  "data-root": text,
  debug: flag,
  "default-address-pools": { expected: "a list of {base, size}", read: readPools },
  "default-cgroupns-mode": text,
  "default-gateway": text,
  "default-gateway-v6": text,
  "default-init": text,
  "default-ipc-mode": text,
  "default-network-opts": tableOf("an object of objects of strings", textTable.read),
  "default-runtime": text,
  "default-shm-size": size,
  "default-stop-timeout": integer,
  "default-ulimits": tableOf("an object of {Name, Hard, Soft}", readUlimit),
  "deprecated-key-path": text,
  "disable-legacy-registry": flag,
  dns: texts,
  "dns-opts": texts,
  "dns-search": texts,
  "exec-opts": texts,
  "exec-root": text,
  experimental: flag,
  features: tableOf("an object of true and false", flag.read),
  "firewall-backend": text,
  "fixed-cidr": text,
  "fixed-cidr-v6": text,
  graph: text,
  group: text,
  "host-gateway-ip": text,
  "host-gateway-ips": texts,
  hosts: texts,
  icc: flag,
  init: flag,
  "init-path": text,
  "insecure-registries": texts,
  ip: text,
  "ip-forward": flag,
  "ip-forward-no-drop": flag,
  "ip-masq": flag,
  ip6tables: flag,
  iptables: flag,
  ipv6: flag,
  labels: texts,
  "live-restore": flag,
  "log-driver": text,
  "log-format": text,
  "log-level": text,
  "log-opts": textTable,
  "max-concurrent-downloads": integer,
  "max-concurrent-uploads": integer,
  "max-download-attempts": integer,
  "metrics-addr": text,
  "min-api-version": text,
  mtu: integer,
  "network-control-plane-mtu": integer,
  "network-diagnostic-port": integer,
  "no-new-privileges": flag,
  "node-generic-resources": texts,
  "nri-opts": object,
  "oom-score-adjust": integer,
  pidfile: text,
  proxies: textTable,
  "raw-logs": flag,
  "registry-mirrors": texts,
  "resolv-conf": text,
  rootless: flag,
  runtimes: tableOf("an object of {path, runtimeArgs}", readRuntime),
  "seccomp-profile": text,
  "selinux-enabled": flag,
  "shutdown-timeout": integer,
  "storage-driver": text,
  "storage-opts": texts,
  "swarm-default-advertise-addr": text,
  "swarm-raft-election-tick": integer,
  "swarm-raft-heartbeat-tick": integer,
  tls: flag,
  tlscacert: text,
  tlscert: text,
  tlskey: text,
  tlsverify: flag,
  "userland-proxy": flag,
  "userland-proxy-path": text,
  "userns-remap": text,
} as const satisfies Readonly<Record<string, ValueKind<unknown>>>;

export type DaemonKey = keyof typeof daemonKeys;
export type DaemonValue<K extends DaemonKey> = (typeof daemonKeys)[K] extends ValueKind<infer T> ? T : never;

export function isDaemonKey(key: string): key is DaemonKey {
  return Object.hasOwn(daemonKeys, key);
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Go reads `null` as a value that is not given. */
function tableOf<T>(expected: string, read: (value: unknown) => T | undefined): ValueKind<Readonly<Record<string, T>>> {
  return {
    expected,
    read: (value) => {
      if (!isObject(value)) return undefined;
      const entries: [string, T][] = [];
      for (const [key, item] of Object.entries(value)) {
        const one = read(item);
        if (one === undefined) return undefined;
        entries.push([key, one]);
      }
      return Object.fromEntries(entries);
    },
  };
}

function readRuntime(value: unknown): DockerRuntime | undefined {
  if (!isObject(value)) return undefined;
  const { path = "", runtimeArgs = [], runtimeType = "", options = {} } = value;
  const args = texts.read(runtimeArgs);
  if (!isText(path) || !isText(runtimeType) || args === undefined || !isObject(options)) return undefined;
  return {
    ...(path !== "" && { path }),
    ...(args.length > 0 && { runtimeArgs: args }),
    ...(runtimeType !== "" && { runtimeType }),
    ...(Object.keys(options).length > 0 && { options }),
  };
}

function readUlimit(value: unknown): Ulimit | undefined {
  if (!isObject(value)) return undefined;
  const { Soft: soft = 0, Hard: hard = 0 } = value;
  return typeof soft === "number" && typeof hard === "number" ? { soft, hard } : undefined;
}

function readPools(value: unknown): readonly AddressPool[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const pools: AddressPool[] = [];
  for (const item of value) {
    if (!isObject(item) || !isText(item["base"]) || typeof item["size"] !== "number") return undefined;
    pools.push({ base: item["base"], size: item["size"] });
  }
  return pools;
}
