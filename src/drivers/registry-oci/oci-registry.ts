import type { Readable } from "node:stream";
import { EngineError, isKind, kindOf, messageOf } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { BlobReader } from "#core/content/content-store.ts";
import type { Descriptor } from "#core/content/descriptor.ts";
import type { Reference } from "#core/images/reference.ts";
import type { PushedBlob, Registry, RegistryAccess, RegistryAuth } from "#core/registry/registry.ts";
import { Authorizer } from "./authorizer.ts";
import { findCredentials } from "./credentials.ts";
import { fetchContent } from "./fetch.ts";
import { HostClient } from "./host-client.ts";
import type { Capability } from "./hosts-toml.ts";
import { HttpClient } from "./http-client.ts";
import { authKey } from "./identity.ts";
import { pushBlob, pushManifest } from "./push.ts";
import type { RegistryConfig } from "./registry-config.ts";
import { registryHosts, upstreamAuthority, type RegistryHost } from "./registry-hosts.ts";
import { resolveManifest } from "./resolve.ts";
import { probeScheme } from "./scheme-probe.ts";

const maxAuthorizers = 512;

/** Registries over HTTP. Disposing closes idle connections; it is made once and lives as long as the daemon. */
export class OciRegistry implements Registry, Disposable {
  readonly #config: RegistryConfig;
  readonly #http: HttpClient;
  readonly #authorizers = new Map<string, Authorizer>();
  readonly #schemes = new Map<string, "http" | "https">();

  constructor(config: RegistryConfig) {
    this.#config = config;
    this.#http = new HttpClient(config);
  }

  async resolve(call: Call, reference: Reference, access: RegistryAccess): Promise<Descriptor> {
    return await this.#first(call, reference, access, "resolve", async (client) => {
      return await resolveManifest(call, client, reference);
    });
  }

  async fetch(
    call: Call,
    reference: Reference,
    descriptor: Descriptor,
    access: RegistryAccess & { offset?: number },
  ): Promise<{ body: Readable; offset: number }> {
    return await this.#first(call, reference, access, "pull", async (client) => {
      return await fetchContent(call, client, reference, descriptor, access.offset ?? 0);
    });
  }

  async pushBlob(
    call: Call,
    reference: Reference,
    descriptor: Descriptor,
    blob: BlobReader,
    access: RegistryAccess & { mountFrom?: readonly string[]; onProgress?: (sentBytes: number) => void },
  ): Promise<PushedBlob> {
    const client = await this.#pushClient(call, reference.domain, access);
    const { mountFrom = [], onProgress = () => {} } = access;
    return await pushBlob(call, client, { reference, descriptor, blob, mountFrom, onProgress });
  }

  async pushManifest(
    call: Call,
    reference: Reference,
    descriptor: Descriptor,
    bytes: Uint8Array,
    access: RegistryAccess,
  ): Promise<void> {
    const client = await this.#pushClient(call, reference.domain, access);
    await pushManifest(call, client, reference, descriptor, bytes);
  }

  async login(call: Call, domain: string, auth: RegistryAuth): Promise<{ identityToken?: string }> {
    const host = (await registryHosts(domain, this.#config)).at(-1);
    if (host === undefined) throw new EngineError("notFound", `registry ${domain}: no host`);
    return await (await this.#client(call, host, domain, { auth })).login(call);
  }

  close(): void {
    this.#http.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** What `ask` gets from the first host that has it. Where none does, the registry's own error is the one to tell. */
  async #first<T>(
    call: Call,
    { domain }: Reference,
    access: RegistryAccess,
    capability: Capability,
    ask: (client: HostClient) => Promise<T>,
  ): Promise<T> {
    const failures: unknown[] = [];
    for (const host of await this.#hosts(domain, capability)) {
      try {
        return await ask(await this.#client(call, host, domain, access));
      } catch (error) {
        call.signal.throwIfAborted();
        call.log.debug({ host: host.authority, error: messageOf(error) }, "registry host did not serve");
        // What answered in clear yesterday may speak TLS today.
        this.#schemes.delete(host.authority);
        failures.push(error);
      }
    }
    throw summary(failures);
  }

  async #pushClient(call: Call, domain: string, access: RegistryAccess): Promise<HostClient> {
    const [host] = await this.#hosts(domain, "push");
    if (host === undefined) throw new EngineError("notFound", `registry ${domain}: no host`);
    return await this.#client(call, host, domain, access);
  }

  async #hosts(domain: string, capability: Capability): Promise<RegistryHost[]> {
    const hosts = (await registryHosts(domain, this.#config)).filter((host) => host.capabilities.includes(capability));
    if (hosts.length > 0) return hosts;
    throw new EngineError("failedPrecondition", `registry ${domain}: no host may ${capability}, says its hosts.toml`);
  }

  /** Credentials that a caller brings are for the registry itself; a mirror has its own in the configuration. */
  async #client(call: Call, found: RegistryHost, domain: string, access: RegistryAccess): Promise<HostClient> {
    const host = await this.#withScheme(call, found);
    const auth = host.authority === upstreamAuthority(domain) ? access.auth : undefined;
    const key = `${host.scheme}://${host.authority} ${authKey(auth)}`;
    let authorizer = this.#authorizers.get(key);
    if (authorizer === undefined) {
      const paths = this.#config.dockerConfigPaths;
      const source = async (signal: AbortSignal) => auth ?? (await findCredentials(host.authority, paths, signal));
      authorizer = new Authorizer(this.#http, source, this.#config.retry);
      const [oldest] = this.#authorizers.keys();
      if (this.#authorizers.size >= maxAuthorizers && oldest !== undefined) this.#authorizers.delete(oldest);
      this.#authorizers.set(key, authorizer);
    }
    return new HostClient(host, this.#http, authorizer, this.#config.retry);
  }

  async #withScheme(call: Call, host: RegistryHost): Promise<RegistryHost & { scheme: "http" | "https" }> {
    if (host.scheme !== "probe") return { ...host, scheme: host.scheme };
    const known = this.#schemes.get(host.authority) ?? (await probeScheme(host.authority, call.signal));
    if (known !== undefined) this.#schemes.set(host.authority, known);
    return { ...host, scheme: known ?? "http" };
  }
}

/** The last failure is the registry's own; earlier ones are mirrors' and told behind it, unless they only lacked it. */
function summary(failures: readonly unknown[]): unknown {
  const last = failures.at(-1);
  const mirrors = failures.slice(0, -1).filter((error) => !isKind(error, "notFound"));
  if (mirrors.length === 0) return last;
  const others = mirrors.map((error) => messageOf(error)).join("; ");
  return new EngineError(kindOf(last), `${messageOf(last)} (before that: ${others})`, { cause: last });
}
