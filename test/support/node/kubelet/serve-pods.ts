import { createServer } from "node:http";
import { proxyUpgrade, refuse } from "../../kubernetes/upgrades.ts";
import type { PodRuntime } from "./pod-spec.ts";
import type { PodSync } from "./pod-sync.ts";

export const kubeletPort = 10_250;

/**
 * What API servers ask of a kubelet: `/containerLogs/NAMESPACE/POD/CONTAINER`, and the streams of `/exec/…` and
 * `/portForward/…`, for which the kubelet asks the runtime where they are and hands the connection on.
 */
export function servePods(sync: PodSync, runtime: PodRuntime): void {
  const server = createServer((request, response) => {
    const { namespace, pod } = placeOf(request.url);
    const log = async () => await runtime.log(await sync.find(namespace, pod));
    void log().then(
      (text) => response.end(text),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  server.on("upgrade", (request, socket) => {
    const { verb, namespace, pod, query } = placeOf(request.url);
    const urlOf = async () => {
      const found = await sync.find(namespace, pod);
      if (verb === "exec") return await runtime.execUrl(found, query.getAll("command"));
      return await runtime.portForwardUrl(found, query.getAll("port").map(Number));
    };
    void urlOf().then(
      (url) => proxyUpgrade(request, socket, new URL(url)),
      (error: unknown) => refuse(socket, String(error)),
    );
  });
  server.listen(kubeletPort);
}

function placeOf(url = "") {
  const { pathname, searchParams: query } = new URL(url, "http://kubelet");
  const [, verb = "", namespace = "", pod = ""] = pathname.split("/");
  return { verb, namespace, pod, query };
}
