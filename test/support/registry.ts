import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { isIndex, isManifest } from "#core/content/descriptor.ts";
import { digestOf } from "#core/content/digest.ts";
import type { FixtureBlob, FixtureImage } from "./image-fixture.ts";
import { bodyOf, refuse } from "./registry-answers.ts";
import { sendBody, type FaultAct, type TestFault } from "./registry-faults.ts";
import { RegistryGate, type TestAuth } from "./registry-gate.ts";

export type TestRegistryOptions = {
  readonly auth?: TestAuth;
  /** Anonymous tokens may pull. */
  readonly publicPull?: boolean;
  /** Where it listens; 127.0.0.1 by default. */
  readonly address?: string;
  readonly tls?: { readonly key: string; readonly cert: string; readonly ca?: string };
  readonly ranges?: boolean;
  readonly digestHeader?: boolean;
  readonly headManifests?: boolean;
  /** Blobs are served by this origin (`http://127.0.0.1:2`), by redirect. */
  readonly redirectBlobs?: string;
  readonly mounts?: boolean;
};

type Repository = {
  manifests: Map<string, FixtureBlob>;
  blobs: Map<string, FixtureBlob>;
  uploads: Map<string, Buffer>;
};

/**
 * A registry in this process over real HTTP: the distribution specification, and ways to go wrong.
 * `requests` is what was asked, as `GET /v2/x/manifests/1`.
 */
export class TestRegistry implements AsyncDisposable {
  readonly options: TestRegistryOptions;
  readonly requests: string[] = [];
  /** Authorization headers as they came, one for each request; empty where there was none. */
  readonly authorizations: string[] = [];
  /** Range headers as they came, one for each request; empty where there was none. */
  readonly ranges: string[] = [];
  readonly faults: TestFault[] = [];
  readonly #gate: RegistryGate;
  readonly #repositories = new Map<string, Repository>();
  readonly #server: Server;
  #uploads = 0;
  #peak = 0;
  #blobs = 0;

  private constructor(options: TestRegistryOptions) {
    this.options = options;
    const { auth, publicPull } = options;
    this.#gate = new RegistryGate({ auth, publicPull, origin: () => this.origin });
    const listener: RequestListener = (request, response) => {
      this.#handle(request, response).catch((error: unknown) => response.destroy(error as Error));
    };
    const { tls } = options;
    this.#server =
      tls === undefined
        ? createServer(listener)
        : createTlsServer(
            { ...tls, requestCert: tls.ca !== undefined, rejectUnauthorized: tls.ca !== undefined },
            listener,
          );
    this.#server.on("clientError", (_error, socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
  }

  static async start(options: TestRegistryOptions = {}): Promise<TestRegistry> {
    const registry = new TestRegistry(options);
    const { promise, resolve } = Promise.withResolvers<void>();
    registry.#server.listen(0, options.address ?? "127.0.0.1", resolve);
    await promise;
    return registry;
  }

  /** `127.0.0.1:PORT` */
  get host(): string {
    const address = this.#server.address();
    return `${this.options.address ?? "127.0.0.1"}:${typeof address === "object" ? address?.port : ""}`;
  }

  get origin(): string {
    return `${this.options.tls === undefined ? "http" : "https"}://${this.host}`;
  }

  /** `token <scopes>` and who asked, in order. */
  get tokens(): string[] {
    return this.#gate.tokens;
  }

  /** Most blobs that were sent at the same time. */
  get peakBlobs(): number {
    return this.#peak;
  }

  repository(name: string): Repository {
    const known = this.#repositories.get(name) ?? { manifests: new Map(), blobs: new Map(), uploads: new Map() };
    this.#repositories.set(name, known);
    return known;
  }

  /** Puts an image into a repository; answers its reference. */
  add(repository: string, tag: string, image: FixtureImage): string {
    const { manifests, blobs } = this.repository(repository);
    for (const blob of image.blobs) blobs.set(blob.digest, blob);
    manifests.set(image.manifest.digest, image.manifest);
    manifests.set(tag, image.manifest);
    return `${this.host}/${repository}:${tag}`;
  }

  addManifest(repository: string, tag: string, manifest: FixtureBlob): string {
    const { manifests } = this.repository(repository);
    manifests.set(manifest.digest, manifest);
    manifests.set(tag, manifest);
    return `${this.host}/${repository}:${tag}`;
  }

  /** Requests that `pattern` fits. */
  count(pattern: RegExp): number {
    return this.requests.filter((request) => pattern.test(request)).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    this.#server.closeAllConnections();
    await promise;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", this.origin);
    const line = `${request.method} ${url.pathname}`;
    this.requests.push(line);
    this.authorizations.push(request.headers.authorization ?? "");
    this.ranges.push(request.headers.range ?? "");
    const fault = this.faults.find((candidate) => candidate.match.test(line) && (candidate.times ?? 1) > 0);
    if (fault !== undefined) fault.times = (fault.times ?? 1) - 1;
    if (fault?.act.t === "hang") return;
    if (fault?.act.t === "status") {
      response.writeHead(fault.act.status, fault.act.headers).end(fault.act.body);
      return;
    }
    if (url.pathname === "/token") return await this.#gate.giveToken(request, response, url);
    if (!this.#gate.admits(request, response, url)) return;
    await this.#route(request, response, url, fault?.act);
  }

  async #route(request: IncomingMessage, response: ServerResponse, url: URL, act: FaultAct | undefined) {
    const match = /^\/v2\/(?:(.+)\/(manifests|blobs)\/(.+))?$/.exec(url.pathname);
    if (match === null) return refuse(response, 404, "NAME_UNKNOWN", "no such route");
    const [, name, kind, id = ""] = match;
    if (name === undefined)
      return void response.writeHead(200, { "docker-distribution-api-version": "registry/2.0" }).end("{}");
    const repository = this.repository(name);
    if (kind === "manifests" && request.method === "PUT")
      return await this.#putManifest(request, response, repository, id);
    if (kind === "manifests") return await this.#manifest(request, response, repository, id, act);
    if (/^uploads(\/|$)/.test(id)) return await this.#upload(request, response, repository, name, url);
    await this.#blob(request, response, repository, id, act);
  }

  async #manifest(
    request: IncomingMessage,
    response: ServerResponse,
    { manifests }: Repository,
    id: string,
    act: FaultAct | undefined,
  ) {
    if (request.method === "HEAD" && this.options.headManifests === false) return void response.writeHead(405).end();
    const found = manifests.get(id);
    if (found === undefined) return refuse(response, 404, "MANIFEST_UNKNOWN", "manifest unknown");
    const headers = {
      "content-type": found.mediaType,
      "content-length": String(found.bytes.length),
      ...(this.options.digestHeader === false ? {} : { "docker-content-digest": found.digest }),
    };
    response.writeHead(200, headers);
    await sendBody(request, response, found.bytes, act);
  }

  async #blob(
    request: IncomingMessage,
    response: ServerResponse,
    { blobs }: Repository,
    id: string,
    act: FaultAct | undefined,
  ) {
    const found = blobs.get(id);
    if (found === undefined) return refuse(response, 404, "BLOB_UNKNOWN", "blob unknown");
    if (this.options.redirectBlobs !== undefined) {
      return void response.writeHead(307, { location: `${this.options.redirectBlobs}${request.url}` }).end();
    }
    const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? "");
    const start = range !== null && this.options.ranges !== false ? Number(range[1]) : 0;
    if (start > found.bytes.length) return void response.writeHead(416).end();
    const bytes = found.bytes.subarray(start);
    const partial = range !== null && this.options.ranges !== false;
    const contentRange = `bytes ${start}-${found.bytes.length - 1}/${found.bytes.length}`;
    response.writeHead(partial ? 206 : 200, {
      "content-length": String(bytes.length),
      ...(partial ? { "content-range": contentRange } : {}),
    });
    this.#peak = Math.max(this.#peak, ++this.#blobs);
    await sendBody(request, response, bytes, act);
    this.#blobs--;
  }

  async #upload(request: IncomingMessage, response: ServerResponse, repository: Repository, name: string, url: URL) {
    const id = /uploads\/([^/]+)$/.exec(url.pathname)?.[1];
    const mount = url.searchParams.get("mount");
    const from = url.searchParams.get("from");
    if (id === undefined) {
      const known = mount === null || from === null ? undefined : this.repository(from).blobs.get(mount);
      if (known !== undefined && this.options.mounts !== false) {
        repository.blobs.set(known.digest, known);
        return void response.writeHead(201, { location: `/v2/${name}/blobs/${known.digest}` }).end();
      }
      const fresh = `u${++this.#uploads}`;
      repository.uploads.set(fresh, Buffer.alloc(0));
      return void response.writeHead(202, { location: `/v2/${name}/blobs/uploads/${fresh}?state=x` }).end();
    }
    const before = repository.uploads.get(id);
    if (before === undefined) return refuse(response, 404, "BLOB_UPLOAD_UNKNOWN", "upload unknown");
    if (request.method === "DELETE") {
      repository.uploads.delete(id);
      return void response.writeHead(204).end();
    }
    const progress = (bytes: Buffer) => ({
      location: `/v2/${name}/blobs/uploads/${id}?state=${bytes.length}`,
      range: `0-${Math.max(0, bytes.length - 1)}`,
    });
    if (request.method === "GET") return void response.writeHead(204, progress(before)).end();
    const bytes = Buffer.concat([before, await bodyOf(request)]);
    repository.uploads.set(id, bytes);
    if (request.method === "PATCH") return void response.writeHead(202, progress(bytes)).end();
    const digest = url.searchParams.get("digest") ?? "";
    if (digestOf(bytes) !== digest) return refuse(response, 400, "DIGEST_INVALID", "provided digest did not match");
    repository.uploads.delete(id);
    repository.blobs.set(digest, { mediaType: "", digest: digestOf(bytes), bytes });
    response.writeHead(201, { location: `/v2/${name}/blobs/${digest}` }).end();
  }

  async #putManifest(request: IncomingMessage, response: ServerResponse, repository: Repository, id: string) {
    const bytes = await bodyOf(request);
    const mediaType = request.headers["content-type"] ?? "";
    if (!isManifest(mediaType) && !isIndex(mediaType)) return refuse(response, 400, "MANIFEST_INVALID", "media type");
    const blob = { mediaType, digest: digestOf(bytes), bytes };
    repository.manifests.set(blob.digest, blob);
    repository.manifests.set(id, blob);
    response.writeHead(201, { "docker-content-digest": blob.digest }).end();
  }
}
