import type { ServerResponse } from "node:http";
import { sendStatus, type ApiRequestInfo } from "./api-server.ts";
import type { Change, ObjectStore } from "./object-store.ts";
import { matchesFields, matchesLabels } from "./selectors.ts";

/** Streams changes of a collection until the client leaves or its time is over. */
export function serveWatch(store: ObjectStore, { target, query }: ApiRequestInfo, response: ServerResponse): true {
  const version = query.get("resourceVersion") ?? store.version;
  // Past changes are not kept: whoever is behind has to list again, which is what a compacted server says.
  if (Number(version) < Number(store.version)) {
    sendStatus(response, 410, "Expired", `too old resource version: ${version} (${store.version})`);
    return true;
  }
  response.writeHead(200, { "content-type": "application/json" });
  response.flushHeaders();
  const listener = ({ type, resource, object }: Change) => {
    const isHere = target?.namespace === undefined || object.metadata.namespace === target.namespace;
    const isSelected =
      matchesLabels(object, query.get("labelSelector") ?? "") &&
      matchesFields(object, query.get("fieldSelector") ?? "");
    if (resource === target?.resource && isHere && isSelected) response.write(`${JSON.stringify({ type, object })}\n`);
  };
  store.listeners.add(listener);
  const seconds = Number(query.get("timeoutSeconds") ?? 300);
  const timer = setTimeout(() => response.end(), seconds * 1000);
  response.on("close", () => {
    clearTimeout(timer);
    store.listeners.delete(listener);
  });
  return true;
}
