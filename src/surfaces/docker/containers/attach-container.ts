import { attachContainer } from "#engine/attach-container.ts";
import { bridgeStreams } from "../bridge-streams.ts";
import { parseDetachKeys } from "../detach-keys.ts";
import { taken, type Answer, type RouteContext } from "../route.ts";
import { replayLog } from "./replay-log.ts";

/** `docker attach`, and the client's half of `docker run`: what was said before if asked for, then live both ways. */
export async function attachContainerRoute(context: RouteContext): Promise<Answer> {
  const { call, engine, name, query } = context;
  const detachKeys = parseDetachKeys(query.text("detachKeys"));
  const container = await engine.containers.resolve(call, name);
  const { tty, stdin } = container.config;
  const wanted = {
    stdin: query.boolean("stdin") && stdin !== "none",
    stdout: query.boolean("stdout"),
    stderr: query.boolean("stderr"),
  };
  const live = query.boolean("stream") && (wanted.stdin || wanted.stdout || wanted.stderr);
  // Attached before the answer goes out: the client starts the container once it has it, and loses nothing.
  await using streams = live ? await attachContainer(call, engine, { container: container.id, ...wanted }) : undefined;
  const connection = context.hijack({ multiplexed: !tty });
  if (query.boolean("logs")) await replayLog(context, container, { connection, ...wanted });
  if (streams === undefined) {
    connection.close();
    return taken;
  }
  const end = await bridgeStreams(connection, streams, {
    multiplexed: !tty,
    detachKeys: tty && wanted.stdin ? detachKeys : undefined,
  });
  if (end !== "ended") {
    const attributes = { ...container.labels, image: container.image.reference, name: container.name };
    engine.events.publish({
      namespace: call.namespace,
      type: "container",
      action: "detach",
      actorId: container.id,
      attributes,
    });
  }
  return taken;
}
