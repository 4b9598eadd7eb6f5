import { Agent, request } from "node:http";

/** A keep-alive client of a Docker API socket, so that connecting is in nobody's figures. */
export function dockerApi(socketPath: string) {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  return {
    call: async (method: string, path: string, body?: unknown): Promise<unknown> =>
      await send({ agent, socketPath, method, path }, body),
    [Symbol.dispose]: () => agent.destroy(),
  };
}

async function send(
  options: { agent: Agent; socketPath: string; method: string; path: string },
  body: unknown,
): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const headers = { "content-type": "application/json", host: "docker" };
  const outgoing = request({ ...options, headers }, (response) => {
    let text = "";
    response.setEncoding("utf8");
    response.on("data", (chunk: string) => (text += chunk));
    // A server that dies amid its answer.
    response.on("error", reject);
    response.on("end", () => {
      if ((response.statusCode ?? 500) < 400) resolve(parseOr(text));
      else reject(new Error(`${options.method} ${options.path}: ${response.statusCode} ${text}`));
    });
  });
  outgoing.on("error", reject);
  outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  return await promise;
}

function parseOr(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
