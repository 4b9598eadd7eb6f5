import { readdir, readFile } from "node:fs/promises";
import { join, posix, resolve } from "node:path";
import { EngineError, errnoOf } from "#base/errors.ts";
import { allCapabilities, decodeHostsToml, type Capability, type HostEntry } from "./hosts-toml.ts";
import { plainTls, type HostTls } from "./http-client.ts";
import { isLoopback, matchesRange } from "./proxy.ts";
import type { RegistryConfig } from "./registry-config.ts";

/** One place to ask for a reference's content. */
export type RegistryHost = {
  readonly scheme: "http" | "https" | "probe";
  /** Host with port as it is connected to: `registry-1.docker.io`. */
  readonly authority: string;
  /** Before `/<repository>/…`: `/v2`. */
  readonly pathPrefix: string;
  readonly capabilities: readonly Capability[];
  readonly tls: HostTls;
  readonly headers: Readonly<Record<string, string[]>>;
  /** Sent as `ns` by a mirror's request, so that one mirror can serve several registries. */
  readonly mirrorOf?: string;
};

type Material = {
  readonly mirrors: readonly HostEntry[];
  readonly server: HostEntry | undefined;
  readonly base: string;
};

const maxFileBytes = 4 * 1024 * 1024;

/**
 * The hosts that serve `domain`, in the order they are asked: mirrors, then the registry itself.
 *
 * @throws invalidArgument when a file there is says something that cannot be
 */
export async function registryHosts(domain: string, config: RegistryConfig): Promise<RegistryHost[]> {
  const material = await findMaterial(domain, config.hostsDirectories);
  const mirrors = material?.mirrors ?? [];
  const hosts = await Promise.all(mirrors.map((entry) => toHost(entry, domain, material?.base ?? "", config)));
  hosts.push(await serverHost(domain, material, config));
  return hosts;
}

/** `docker.io` is a name; its registry is another host. */
export function upstreamAuthority(domain: string): string {
  return domain === "docker.io" || domain === "index.docker.io" ? "registry-1.docker.io" : domain;
}

async function serverHost(
  domain: string,
  material: Material | undefined,
  config: RegistryConfig,
): Promise<RegistryHost> {
  const server = material?.server ?? plainServer;
  const host = await toHost({ ...server, url: server.url ?? domain }, domain, material?.base ?? "", config);
  return server.url === undefined ? { ...host, capabilities: allCapabilities } : host;
}

const plainServer: HostEntry = {
  url: undefined,
  capabilities: allCapabilities,
  skipVerify: false,
  ca: [],
  clients: [],
  overridePath: false,
  headers: {},
};

async function toHost(entry: HostEntry, domain: string, base: string, config: RegistryConfig): Promise<RegistryHost> {
  const written = entry.url ?? domain;
  const url = URL.parse(written.includes("://") ? written : `https://${written}`);
  if (url === null || !["http:", "https:"].includes(url.protocol) || url.username !== "" || url.password !== "") {
    throw new EngineError("invalidArgument", `${base}: host ${JSON.stringify(written)} is not an http(s) URL`);
  }
  const tls = await readTls(entry, base);
  const insecure = isInsecure(url, config);
  const ownFiles = tls.ca.length > 0 || tls.clients.length > 0 || entry.skipVerify;
  const probe = insecure && !written.includes("://") && !ownFiles;
  const authority = upstreamAuthority(url.host);
  return {
    scheme: probe ? "probe" : url.protocol === "http:" ? "http" : "https",
    authority,
    pathPrefix: pathPrefix(url.pathname, entry.overridePath),
    capabilities: entry.capabilities,
    tls: probe ? { ...tls, skipVerify: true } : tls,
    headers: entry.headers,
    ...(authority === upstreamAuthority(domain) ? {} : { mirrorOf: domain }),
  };
}

/** Loopback and what the operator lists: Docker's rule for insecure registries. */
function isInsecure(url: URL, { insecureRegistries }: RegistryConfig): boolean {
  return (
    isLoopback(url.hostname) || insecureRegistries.includes(url.host) || matchesRange(url.hostname, insecureRegistries)
  );
}

/** `/v2` is added unless it stands there already or the path is to be taken as it is. */
function pathPrefix(path: string, override: boolean): string {
  const clean = posix.normalize(path).replace(/\/+$/, "");
  return override || clean.endsWith("/v2") ? clean : `${clean}/v2`;
}

async function readTls(entry: HostEntry, base: string): Promise<HostTls> {
  if (entry.ca.length === 0 && entry.clients.length === 0) return { ...plainTls, skipVerify: entry.skipVerify };
  const read = async (path: string) => await readBounded(resolve(base, path));
  return {
    skipVerify: entry.skipVerify,
    ca: await Promise.all(entry.ca.map(read)),
    clients: await Promise.all(
      entry.clients.map(async ({ cert, key }) => ({ cert: await read(cert), key: await read(key) })),
    ),
  };
}

/** The first directory that is the domain's own; `_default` where there is none. Source: containerd, hosts.go `hostPaths`. */
async function findMaterial(domain: string, roots: readonly string[]): Promise<Material | undefined> {
  const port = /:(\d+)$/.exec(domain)?.[1];
  const underscored = port === undefined ? [] : [`${domain.slice(0, -port.length - 1)}_${port}_`];
  const names = [...underscored, domain];
  const own = roots.flatMap((root) => names.map((name) => join(root, name)));
  for (const directory of [...own, ...roots.map((root) => join(root, "_default"))]) {
    const material = await readMaterial(directory);
    if (material !== undefined) return material;
  }
  return undefined;
}

async function readMaterial(directory: string): Promise<Material | undefined> {
  const names = await listNames(directory);
  if (names.includes("hosts.toml")) {
    const path = join(directory, "hosts.toml");
    return { ...decodeHostsToml(await readBounded(path), path), base: directory };
  }
  return dockerLayout(names, directory);
}

/** `*.crt` are CAs, `x.cert` with `x.key` a client. Source: docs.docker.com/engine/security/certificates. */
function dockerLayout(names: readonly string[], directory: string): Material | undefined {
  const ca = names.filter((name) => name.endsWith(".crt"));
  const clients = names
    .filter((name) => name.endsWith(".cert"))
    .map((cert) => ({ cert, key: cert.replace(/\.cert$/, ".key") }));
  for (const { cert, key } of clients) {
    if (names.includes(key)) continue;
    throw new EngineError("invalidArgument", `${join(directory, cert)}: its key ${key} is missing`);
  }
  if (ca.length === 0 && clients.length === 0) return undefined;
  return { mirrors: [], server: { ...plainServer, ca, clients }, base: directory };
}

async function listNames(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).sort();
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return [];
    throw error;
  }
}

async function readBounded(path: string): Promise<string> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw new EngineError("invalidArgument", `${path}: cannot be read (${errnoOf(error) ?? "unknown"})`, {
      cause: error,
    });
  });
  if (text.length > maxFileBytes) throw new EngineError("invalidArgument", `${path}: more than ${maxFileBytes} bytes`);
  return text;
}
