import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import test from "node:test";
import { requireBinary, requireRoot } from "#test/support/require.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { HostRoot } from "../host/host-root.ts";
import { openRunningHost } from "../host/open-running-host.ts";
import { readSocketUsers } from "./read-socket-users.ts";

test("a process that is connected to a docker.sock is found by ss, its server is not", async (t) => {
  if (!requireRoot(t) || !requireBinary(t, "ss")) return;
  await using directory = await temporaryDirectory("sock");
  const path = join(directory.path, "docker.sock");
  const server = createServer().listen(path);
  const client = spawn(process.execPath, ["-e", `require("net").connect(${JSON.stringify(path)})`]);
  try {
    const [accepted] = await once(server, "connection");
    const root = new HostRoot("/");
    const users = await readSocketUsers(root, openRunningHost(root));
    const found = users.filter(({ pid }) => pid === client.pid || pid === process.pid);
    assert.deepEqual(
      found.map(({ pid }) => pid),
      [client.pid],
    );
    accepted.destroy();
  } finally {
    client.kill("SIGKILL");
    await once(client, "exit");
    server.close();
  }
});
