import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { join } from "node:path";
import test from "node:test";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { HostFiles } from "../host/host-files.ts";
import { removeDockerPods } from "./remove-docker-pods.ts";
import type { StepContext } from "./step-run.ts";

const call = { signal: new AbortController().signal };
const cni = { config: "/none", plugins: [], cache: "/none" };

test("a container that dockerd removes already is left to it; other refusals count", async () => {
  await using directory = await temporaryDirectory("pods");
  let status = 409;
  const asked: string[] = [];
  const server = createServer(({ method = "", url = "" }, response) => {
    asked.push(`${method} ${url.split("?")[0] ?? ""}`);
    if (method === "GET") response.end(JSON.stringify([{ Id: "c1", Labels: {} }]));
    else response.writeHead(method === "POST" ? 304 : status, { "content-type": "application/json" });
    response.end(method === "DELETE" ? '{"message":"removal of container c1 is already in progress"}' : "");
  });
  server.listen(join(directory.path, "docker.sock"));
  await once(server, "listening");
  const context = { files: new HostFiles(directory.path), tell: () => undefined };
  const remove = async () =>
    await removeDockerPods(call, context as unknown as StepContext, {
      kind: "remove-pods",
      through: "docker",
      endpoint: "unix:///docker.sock",
      cni,
    });
  try {
    await remove();
    assert.match(asked.at(-1) ?? "", /DELETE .*\/containers\/c1$/);
    status = 500;
    await assert.rejects(remove(), /already in progress/);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
