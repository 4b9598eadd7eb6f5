import { EngineError } from "#base/errors.ts";
import type { RouteEntry } from "./route.ts";

/** Docker's routes that Ferry does not have: `method path`, several methods joined by a comma. */
const unsupported = [
  "POST /build",
  "POST /build/cancel",
  "POST /session",
  "POST /grpc",
  "POST /commit",
  "GET /images/search",
  "GET /images/:name/attestations",
  "GET /distribution/:name/json",
  "GET /containers/:name/export",
  "GET /containers/:name/changes",
  "GET /containers/:name/attach/ws",
  "GET,POST /containers/:name/checkpoints",
  "DELETE /containers/:name/checkpoints/:checkpoint",
  "PUT /volumes/:name",
  "GET /plugins/privileges",
  "POST /plugins/pull",
  "POST /plugins/create",
  "DELETE /plugins/:name",
  "POST /plugins/:name/enable",
  "POST /plugins/:name/disable",
  "POST /plugins/:name/push",
  "POST /plugins/:name/upgrade",
  "POST /plugins/:name/set",
  "GET /swarm",
  "GET /swarm/unlockkey",
  "POST /swarm/init",
  "POST /swarm/join",
  "POST /swarm/leave",
  "POST /swarm/update",
  "POST /swarm/unlock",
  "GET /services",
  "POST /services/create",
  "GET,DELETE /services/:name",
  "POST /services/:name/update",
  "GET /services/:name/logs",
  "GET /nodes",
  "GET,DELETE /nodes/:name",
  "POST /nodes/:name/update",
  "GET /tasks",
  "GET /tasks/:name",
  "GET /tasks/:name/logs",
  "GET /secrets",
  "POST /secrets/create",
  "GET,DELETE /secrets/:name",
  "POST /secrets/:name/update",
  "GET /configs",
  "POST /configs/create",
  "GET,DELETE /configs/:name",
  "POST /configs/:name/update",
];

const methods = ["GET", "POST", "PUT", "DELETE"] as const;

/** They answer 501 with their name. */
export const unsupportedRoutes: readonly RouteEntry[] = unsupported.flatMap((line) => {
  const [verbs = "", path = ""] = line.split(" ");
  return methods
    .filter((method) => verbs.split(",").includes(method))
    .map((method): RouteEntry => ({ method, path, load: async () => refuse(method, path) }));
});

function refuse(method: string, path: string) {
  return async () => {
    throw new EngineError("notImplemented", `${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}: not implemented`);
  };
}
