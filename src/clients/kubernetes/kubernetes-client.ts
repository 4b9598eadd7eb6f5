import { EngineError, isKind } from "#base/errors.ts";
import { KubernetesApiError, KubernetesError } from "./api-error.ts";
import { channelProtocol, ChannelSocket } from "./channel-socket.ts";
import type { Abortable, KubernetesConnection } from "./connection.ts";
import {
  isKubernetesObject,
  type DeleteOptions,
  type KubernetesObject,
  type ListPage,
  type PatchType,
  type Selectors,
  type WatchEvent,
} from "./kubernetes-object.ts";
import { readJsonLines, readWhole } from "./read-body.ts";
import { awaitRetry, retryPolicies, type RetryPolicy } from "./retry.ts";
import { Transport, type TransportResponse } from "./transport.ts";

export type ApiRequest = {
  /** `GET` by default. */
  readonly method?: string;
  /** From the server's root, segments escaped: `/api/v1/nodes/node-1`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  /** `application/json` by default. */
  readonly accept?: string;
  readonly body?: { readonly type: string; readonly content: unknown };
  /** `read` for GET, `asked` otherwise. */
  readonly retry?: RetryPolicy;
  /** Largest answer that is taken; 256 MiB by default. */
  readonly maxBytes?: number;
  /** How long the server may be silent; 30 s by default, 0 for ever. */
  readonly idleTimeoutMs?: number;
};

const patchTypes: Readonly<Record<PatchType, string>> = {
  merge: "application/merge-patch+json",
  strategic: "application/strategic-merge-patch+json",
  json: "application/json-patch+json",
  apply: "application/apply-patch+yaml",
};

/** An API server that has just begun has not read its roles yet: for so long, what it forbids it may allow the next time. */
const beginningMs = 15_000;

/**
 * Speaks to one API server. Aborting `call.signal` ends a request wherever it is; what the server did already stays done.
 *
 * Source: https://kubernetes.io/docs/reference/using-api/api-concepts/
 *
 * @throws KubernetesApiError for every answer of 400 and more; unavailable when there is none, or a refusal by a server that
 *   was away just before
 */
export class KubernetesClient implements Disposable {
  readonly connection: KubernetesConnection;
  readonly #transport: Transport;
  /** When the server was found away the last time. */
  #awayMs = -Infinity;

  constructor(connection: KubernetesConnection) {
    this.connection = connection;
    this.#transport = new Transport(connection);
  }

  [Symbol.dispose](): void {
    this.#transport[Symbol.dispose]();
  }

  /** One object. @throws notFound */
  async get(call: Abortable, path: string): Promise<KubernetesObject> {
    return await this.#object(call, { path });
  }

  /** As {@link get}; undefined when it is not there. */
  async find(call: Abortable, path: string): Promise<KubernetesObject | undefined> {
    try {
      return await this.get(call, path);
    } catch (error) {
      if (error instanceof KubernetesApiError && error.status === 404) return undefined;
      throw error;
    }
  }

  /** The bytes of any path as text: `/version`, `/api/v1/nodes/n/proxy/metrics`. */
  async raw(call: Abortable, request: ApiRequest): Promise<string> {
    const answer = await this.#send(call, { accept: "*/*", ...request });
    return (await readWhole(answer, request.maxBytes)).toString("utf8");
  }

  /**
   * A collection, page by page. A continuation that expired half way starts the list again with a fresh one, as the
   * server offers; objects may then come twice.
   */
  async *list(call: Abortable, path: string, options: Selectors & { limit?: number } = {}): AsyncGenerator<ListPage> {
    const { limit = 500, ...selectors } = options;
    let next: string | undefined;
    do {
      const query = { ...selectors, limit: String(limit), continue: next };
      const page = await this.#page(call, path, query);
      yield page;
      next = page.next;
    } while (next !== undefined);
  }

  /**
   * Changes after `resourceVersion`. Ends when the server ends it (watch again from the last version seen).
   *
   * @throws KubernetesApiError with status 410 when that version is too old: list again
   */
  async *watch(
    call: Abortable,
    path: string,
    options: Selectors & { resourceVersion: string; timeoutSeconds?: number },
  ): AsyncGenerator<WatchEvent> {
    const { timeoutSeconds, ...rest } = options;
    const query = {
      ...rest,
      watch: "true",
      allowWatchBookmarks: "true",
      ...(timeoutSeconds === undefined ? {} : { timeoutSeconds: String(timeoutSeconds) }),
    };
    const answer = await this.#send(call, { path, query, idleTimeoutMs: 0 });
    for await (const value of readJsonLines(answer)) yield watchEvent(path, value);
  }

  /**
   * The channels of a subresource that streams: `/api/v1/namespaces/n/pods/p/exec?command=ls&stdout=true`. The caller
   * disposes them; aborting `call.signal` breaks them off.
   *
   * @throws as every request; what the node's side refuses comes that way too
   */
  async channels(call: Abortable, path: string): Promise<ChannelSocket> {
    const connect = async (refresh: boolean) => {
      const credentials = await this.connection.credentials(call, refresh);
      const socket = await this.#transport.webSocket(path, channelProtocol, credentials);
      return await ChannelSocket.open(call, socket, {
        request: `GET ${path.split("?")[0] ?? ""}`,
        failure: (cause) => this.#transport.failure(call, cause),
      });
    };
    try {
      return await connect(false);
    } catch (error) {
      if (!(error instanceof KubernetesApiError) || error.status !== 401) throw error;
      return await connect(true);
    }
  }

  async create(call: Abortable, path: string, object: KubernetesObject): Promise<KubernetesObject> {
    return await this.#object(call, { method: "POST", path, body: { type: "application/json", content: object } });
  }

  /** Puts a whole object; its `resourceVersion` guards against another's change. @throws conflict */
  async replace(call: Abortable, path: string, object: KubernetesObject): Promise<KubernetesObject> {
    return await this.#object(call, { method: "PUT", path, body: { type: "application/json", content: object } });
  }

  async patch(call: Abortable, path: string, type: PatchType, patch: unknown): Promise<KubernetesObject> {
    const query = type === "apply" ? { fieldManager: "ferry", force: "true" } : undefined;
    return await this.#object(call, {
      method: "PATCH",
      path,
      body: { type: patchTypes[type], content: patch },
      ...(query === undefined ? {} : { query }),
    });
  }

  /** @throws notFound, conflict when `uid` is another's */
  async delete(call: Abortable, path: string, options: DeleteOptions = {}): Promise<void> {
    const { uid, ...rest } = options;
    const content = { ...rest, ...(uid === undefined ? {} : { preconditions: { uid } }) };
    await this.raw(call, { method: "DELETE", path, body: { type: "application/json", content } });
  }

  /**
   * Evicts a pod through the Eviction API, once.
   *
   * @throws KubernetesApiError with status 429 while a PodDisruptionBudget refuses (`body.details.causes` names it), 404
   *   when the pod is gone
   */
  async evict(call: Abortable, pod: { namespace: string; name: string; uid?: string }, options: DeleteOptions = {}) {
    try {
      await this.#evict(call, "policy/v1", pod, options);
    } catch (error) {
      // Servers before 1.22 know only v1beta1 of it: `no kind "Eviction" is registered for version "policy/v1"`.
      const isOld = error instanceof KubernetesApiError && error.status === 400 && /"Eviction"/.test(error.message);
      if (!isOld) throw error;
      await this.#evict(call, "policy/v1beta1", pod, options);
    }
  }

  async #evict(
    call: Abortable,
    apiVersion: string,
    pod: { namespace: string; name: string; uid?: string },
    options: DeleteOptions,
  ) {
    const { uid = pod.uid, ...rest } = options;
    const content = {
      apiVersion,
      kind: "Eviction",
      metadata: { namespace: pod.namespace, name: pod.name },
      deleteOptions: { ...rest, ...(uid === undefined ? {} : { preconditions: { uid } }) },
    };
    const path = `/api/v1/namespaces/${encodeURIComponent(pod.namespace)}/pods/${encodeURIComponent(pod.name)}/eviction`;
    await this.raw(call, { method: "POST", path, retry: "never", body: { type: "application/json", content } });
  }

  async #object(call: Abortable, request: ApiRequest): Promise<KubernetesObject> {
    const answer = await this.#send(call, request);
    const value = parseJson(request.path, await readWhole(answer, request.maxBytes));
    if (isKubernetesObject(value)) return value;
    throw new EngineError("unavailable", `${request.path}: the answer is no object`);
  }

  async #page(call: Abortable, path: string, query: Record<string, string | undefined>) {
    try {
      return listPage(await this.#object(call, { path, query }));
    } catch (error) {
      const next = error instanceof KubernetesApiError && error.status === 410 ? continuation(error.body) : undefined;
      if (next === undefined) throw error;
      return listPage(await this.#object(call, { path, query: { ...query, continue: next } }));
    }
  }

  async #send(call: Abortable, request: ApiRequest): Promise<TransportResponse> {
    const retry = retryPolicies[request.retry ?? (request.method === undefined ? "read" : "asked")];
    for (let attempt = 0, refresh = false; ; attempt++) {
      try {
        return await this.#once(call, request, refresh);
      } catch (error) {
        if (!refresh && error instanceof KubernetesApiError && error.status === 401) {
          refresh = true;
          continue;
        }
        if (!retry(error, attempt)) throw error;
        await awaitRetry(call.signal, error, attempt);
      }
    }
  }

  async #once(call: Abortable, request: ApiRequest, refresh: boolean): Promise<TransportResponse> {
    const { method = "GET", path, query = {}, accept = "application/json", body, idleTimeoutMs = 30_000 } = request;
    const credentials = await this.connection.credentials(call, refresh);
    const outgoing = {
      method,
      path: `${path}${queryText(query)}`,
      headers: { accept, "user-agent": "ferry", ...(body === undefined ? {} : { "content-type": body.type }) },
      idleTimeoutMs,
      ...(body === undefined ? {} : { body: JSON.stringify(body.content) }),
    };
    const answer = await this.#transport.send(call, outgoing, credentials).catch((error: unknown) => {
      if (isKind(error, "unavailable")) this.#awayMs = performance.now();
      throw error;
    });
    if (answer.status < 400) return answer;
    const text = (await readWhole(answer, 1024 * 1024)).toString("utf8");
    const retryAfter = Number(answer.headers["retry-after"]);
    const error = new KubernetesApiError(`${method} ${path}`, {
      status: answer.status,
      body: tryJson(text),
      text,
      retryAfterMs: Number.isFinite(retryAfter) ? retryAfter * 1000 : undefined,
    });
    if (answer.status !== 403 || performance.now() - this.#awayMs > beginningMs) throw error;
    throw new KubernetesError("unavailable", `${error.message} (the server has just come back)`, { cause: error });
  }
}

function queryText(query: Readonly<Record<string, string | undefined>>): string {
  const words = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined && value !== "") words.set(name, value);
  const text = words.toString();
  return text === "" ? "" : `?${text}`;
}

function listPage(value: KubernetesObject): ListPage & { next: string | undefined } {
  const metadata = isKubernetesObject(value["metadata"]) ? value["metadata"] : {};
  const items = Array.isArray(value["items"]) ? value["items"].filter(isKubernetesObject) : [];
  const remaining = metadata["remainingItemCount"];
  return {
    items,
    resourceVersion: typeof metadata["resourceVersion"] === "string" ? metadata["resourceVersion"] : "",
    remaining: typeof remaining === "number" ? remaining : undefined,
    next: continuation(value),
  };
}

function continuation(value: unknown): string | undefined {
  const metadata = isKubernetesObject(value) ? value["metadata"] : undefined;
  const next = isKubernetesObject(metadata) ? metadata["continue"] : undefined;
  return typeof next === "string" && next !== "" ? next : undefined;
}

function watchEvent(path: string, value: unknown): WatchEvent {
  if (!isKubernetesObject(value) || !isKubernetesObject(value["object"])) {
    throw new EngineError("unavailable", `${path}: a watch event that is no object`);
  }
  const { type, object } = value;
  if (type === "ERROR") {
    const code = object["code"];
    throw new KubernetesApiError(`watch ${path}`, { status: typeof code === "number" ? code : 500, body: object });
  }
  if (type !== "ADDED" && type !== "MODIFIED" && type !== "DELETED" && type !== "BOOKMARK") {
    throw new EngineError("unavailable", `${path}: watch event of unknown type ${JSON.stringify(type)}`);
  }
  return { type, object };
}

function parseJson(path: string, bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch (cause) {
    throw new EngineError("unavailable", `${path}: the answer is not JSON`, { cause });
  }
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
