import { once } from "node:events";
import { request } from "node:https";
import { connect } from "node:net";
import test from "node:test";
import { makeCa } from "../certificates.ts";
import { requireBinary } from "../require.ts";
import { temporaryDirectory } from "../temporary-directory.ts";
import { TestApiServer } from "./api-server.ts";

test("an API server that goes away hangs up on those too that have not shaken hands yet", async (t) => {
  if (!requireBinary(t, "openssl")) return;
  await using directory = await temporaryDirectory("api-server");
  const { issue } = await makeCa(directory.path);
  await using api = await TestApiServer.start({ tls: await issue("apiserver") });
  const socket = connect(Number(new URL(api.url).port), "127.0.0.1").on("error", () => {});
  await once(socket, "connect");
  // Connections are accepted in their order: the silent one is when this is answered.
  await once(request(api.url, { rejectUnauthorized: false }).end(), "response");
  const closed = once(socket, "close");
  await api.goAway();
  await closed;
  await api.comeBack();
});
