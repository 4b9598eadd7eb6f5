/** What the driver is told at start; nothing here is read from the environment by the driver itself. */
export type RegistryConfig = {
  /** Directories with one directory per registry (`hosts.toml`, or `*.crt`, `*.cert` and `*.key`); earlier ones win. */
  readonly hostsDirectories: readonly string[];
  /** Docker client configurations that hold credentials; earlier ones win, missing ones are no error. */
  readonly dockerConfigPaths: readonly string[];
  /** Hosts (`reg:5000`) and CIDR ranges that may speak plain HTTP or have any certificate. */
  readonly insecureRegistries: readonly string[];
  readonly proxy: ProxySettings;
  /** Bundle of trusted CAs in PEM; without it the system's, else the runtime's own. */
  readonly caFile?: string;
  readonly userAgent: string;
  readonly retry: RetrySettings;
  /** A connection or an answer that moves no byte for this long is given up. */
  readonly idleTimeoutMs: number;
};

/** As in `HTTP_PROXY`, `HTTPS_PROXY`, `NO_PROXY`. Loopback never goes through a proxy. */
export type ProxySettings = { readonly http?: string; readonly https?: string; readonly no?: string };

export type RetrySettings = {
  readonly attempts: number;
  /** Doubled with each further attempt, up to `maxDelayMs`. */
  readonly baseDelayMs: number;
  readonly maxDelayMs: number;
  /** A `Retry-After` longer than this is not waited for. */
  readonly maxRetryAfterMs: number;
};

export const registryDefaults: RegistryConfig = {
  hostsDirectories: ["/etc/ferry/certs.d", "/etc/containerd/certs.d", "/etc/docker/certs.d"],
  dockerConfigPaths: ["/root/.docker/config.json"],
  insecureRegistries: ["127.0.0.0/8", "::1/128"],
  proxy: {},
  userAgent: "ferry",
  retry: { attempts: 5, baseDelayMs: 250, maxDelayMs: 8_000, maxRetryAfterMs: 60_000 },
  idleTimeoutMs: 60_000,
};

/** The proxy settings among environment variables, in either case. */
export function proxyFromEnvironment(environment: Readonly<Record<string, string | undefined>>): ProxySettings {
  const read = (name: string) => environment[name] || environment[name.toLowerCase()];
  const http = read("HTTP_PROXY");
  const https = read("HTTPS_PROXY");
  const no = read("NO_PROXY");
  return { ...(http ? { http } : {}), ...(https ? { https } : {}), ...(no ? { no } : {}) };
}
