import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import type { Call } from "#core/call.ts";
import { isIndex, isManifest, type Descriptor } from "#core/content/descriptor.ts";
import type { Reference } from "#core/images/reference.ts";
import type { HostClient } from "./host-client.ts";
import { pullScope } from "./resolve.ts";

/** Opens a blob or manifest at one host; from 0 where the host does not do ranges. */
export async function fetchContent(
  call: Call,
  client: HostClient,
  reference: Reference,
  descriptor: Descriptor,
  offset: number,
): Promise<{ body: Readable; offset: number }> {
  const kind = isManifest(descriptor.mediaType) || isIndex(descriptor.mediaType) ? "manifest" : "blob";
  const accept = kind === "manifest" ? `${descriptor.mediaType}, */*;q=0.1` : "*/*";
  const response = await client.request(call, {
    step: `${kind} ${descriptor.digest} of ${reference.path}`,
    method: "GET",
    target: `/${reference.path}/${kind}s/${descriptor.digest}`,
    headers: { accept, ...(offset > 0 ? { range: `bytes=${offset}-` } : {}) },
    scopes: [pullScope(reference.path)],
    accept: offset > 0 ? [200, 206, 416] : [200],
  });
  if (response.statusCode === 200) return { body: response, offset: 0 };
  if (response.statusCode === 206 && startOf(response) === offset) return { body: response, offset };
  response.destroy();
  return await fetchContent(call, client, reference, descriptor, 0);
}

/** Source: RFC 9110, 14.4. */
function startOf(response: IncomingMessage): number | undefined {
  const match = /^bytes (\d+)-/.exec(response.headers["content-range"] ?? "");
  return match === null ? undefined : Number(match[1]);
}
