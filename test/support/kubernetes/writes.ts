import type { IncomingMessage, ServerResponse } from "node:http";
import { sendJson, sendStatus, type ApiRequestInfo, type TestApiServer } from "./api-server.ts";
import type { ApiPath } from "./api-path.ts";
import { asObject, deleteObject } from "./delete-object.ts";
import { evict } from "./evictions.ts";
import type { ObjectStore } from "./object-store.ts";
import { applyJsonPatch, mergePatch } from "./patches.ts";
import type { StoredObject } from "./selectors.ts";
import { serveWatch } from "./watches.ts";

/**
 * Makes a test API server take what a real one takes: objects made, replaced with their `resourceVersion`, patched in
 * three ways, deleted (a pod that is bound to a node by its kubelet only), evicted as far as budgets allow, watched.
 */
export function serveWrites(server: TestApiServer): void {
  const minor = Number(server.version.split(".")[1]);
  server.handlers.push(async (request, response) => {
    const { target, method, query } = request;
    if (target === undefined) return false;
    if (method === "GET" && query.get("watch") === "true") return serveWatch(server.store, request, response);
    if (method === "GET") return false;
    const body = await readBody(request.message);
    if (target.resource === "pods" && target.subresource === "eviction") {
      return evict(server.store, response, { target, body: asObject(body), minor });
    }
    write(server.store, response, { request, target, body });
    return true;
  });
}

type Write = { readonly request: ApiRequestInfo; readonly target: ApiPath; readonly body: unknown };

function write(store: ObjectStore, response: ServerResponse, { request, target, body }: Write): void {
  const existing = target.name === undefined ? undefined : store.find(target);
  if (request.method === "POST") {
    create(store, response, target, asObject(body));
    return;
  }
  if (existing === undefined) {
    sendStatus(response, 404, "NotFound", `${target.resource} "${target.name ?? ""}" not found`);
    return;
  }
  if (request.method === "DELETE") remove(store, response, { target, existing, body: asObject(body) });
  else change(store, response, { request, target, body, existing });
}

function create(store: ObjectStore, response: ServerResponse, target: ApiPath, body: Record<string, unknown>): void {
  const metadata = asObject(body["metadata"]);
  const { name: given, generateName } = metadata;
  const generated = `${typeof generateName === "string" ? generateName : ""}${Math.random().toString(36).slice(2, 7)}`;
  const name = typeof given === "string" ? given : generated;
  const namespace = target.namespace === undefined ? {} : { namespace: target.namespace };
  if (store.find({ ...target, name }) !== undefined) {
    sendStatus(response, 409, "AlreadyExists", `${target.resource} "${name}" already exists`);
    return;
  }
  const object = {
    apiVersion: target.apiVersion,
    kind: "Object",
    ...body,
    metadata: { ...metadata, ...namespace, name },
  };
  sendJson(response, 201, store.put(target.resource, object));
}

/** A pod that a kubelet runs is marked, and gone when that kubelet says so with a grace period of 0. */
function remove(
  store: ObjectStore,
  response: ServerResponse,
  { target, existing, body }: { target: ApiPath; existing: StoredObject; body: Record<string, unknown> },
): void {
  const uid = asObject(body["preconditions"])["uid"];
  if (uid !== undefined && uid !== existing.metadata["uid"]) {
    sendStatus(response, 409, "Conflict", "the UID in the precondition does not match");
    return;
  }
  deleteObject(store, target, existing, body["gracePeriodSeconds"] === 0);
  sendJson(response, 200, existing);
}

function change(
  store: ObjectStore,
  response: ServerResponse,
  { request, target, body, existing }: Write & { existing: StoredObject },
): void {
  const changed = changedObject(request, existing, body);
  const version = asObject(asObject(body)["metadata"])["resourceVersion"];
  if (version !== undefined && version !== existing.metadata["resourceVersion"]) {
    sendStatus(
      response,
      409,
      "Conflict",
      "the object has been modified; please apply your changes to the latest version",
    );
    return;
  }
  // A subresource changes its own part alone.
  const kept = target.subresource === "status" ? { ...existing, status: changed["status"] } : changed;
  const metadata = { ...asObject(kept["metadata"]), name: existing.metadata.name };
  sendJson(response, 200, store.put(target.resource, { ...existing, ...kept, metadata }));
}

function changedObject({ method, message }: ApiRequestInfo, existing: StoredObject, body: unknown) {
  if (method === "PUT") return asObject(body);
  const type = message.headers["content-type"] ?? "";
  if (type.startsWith("application/json-patch+json")) return asObject(applyJsonPatch(existing, body));
  return asObject(mergePatch(existing, body));
}

async function readBody(message: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  return text === "" ? {} : (JSON.parse(text) as unknown);
}
