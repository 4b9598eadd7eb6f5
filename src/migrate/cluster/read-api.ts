import type { Call } from "../call.ts";
import { isKind, messageOf } from "#base/errors.ts";
import { KubernetesApiError } from "#clients/kubernetes/api-error.ts";
import type { KubernetesClient } from "#clients/kubernetes/kubernetes-client.ts";
import { apiCollections, collectionPath, listRule, type ApiCollection } from "./api-collections.ts";
import { FactsBuilder } from "./facts-builder.ts";
import { Field } from "./field.ts";
import { readNodeProxies } from "./read-node-proxies.ts";
import type { ClusterFacts } from "./cluster-facts.ts";

export type ReadApiOptions = {
  readonly client: KubernetesClient;
  /** Called as reading goes on: `pods: 1500 of 5000`. */
  readonly progress: (text: string) => void;
  /** Asks every kubelet for its configuration and metrics, through the API server's proxy. */
  readonly askKubelets: boolean;
};

/** Collections in a row that nobody answered for, each asked several times. */
const givenUpAfter = 2;

/** Half of what kubectl asks for: a page of large pods is some 10 MB, several times over while it is decoded. */
const pageSize = 250;

/**
 * Reads a cluster. What is refused or breaks off is noted as missing and the rest is read on; only a server that answers
 * nothing at all is an error.
 *
 * @throws unavailable, unauthenticated when not even the first list can be asked for; canceled
 */
export async function readApi(call: Call, options: ReadApiOptions): Promise<ClusterFacts> {
  const { client, progress } = options;
  const version = await readVersion(call, client);
  const builder = new FactsBuilder();
  let failures = 0;
  for (const collection of apiCollections) {
    if (failures >= givenUpAfter) {
      builder.miss({
        what: collection.resource,
        why: "the API server is gone",
        isOptional: collection.isExtension === true,
      });
      continue;
    }
    try {
      await readCollection(call, collection, { client, builder, progress });
      failures = 0;
    } catch (error) {
      if (isKind(error, "canceled")) throw error;
      failures = isKind(error, "unavailable") ? failures + 1 : 0;
      noteFailure(builder, collection, error);
    }
  }
  if (options.askKubelets && failures < givenUpAfter) await readNodeProxies(call, { client, builder, progress });
  const { connection } = client;
  return builder.build({ server: connection.server.origin, context: connection.name, version, directories: [] });
}

/** The first question: whether there is a server and whether it knows us. */
async function readVersion(call: Call, client: KubernetesClient): Promise<string> {
  return new Field(await client.get(call, "/version")).at("gitVersion").text ?? "";
}

type Into = { client: KubernetesClient; builder: FactsBuilder; progress: (text: string) => void };

async function readCollection(call: Call, collection: ApiCollection, { client, builder, progress }: Into) {
  for (const version of collection.versions) {
    try {
      let count = 0;
      const pages = client.list(call, collectionPath(collection, version), { limit: pageSize });
      for await (const { items, remaining } of pages) {
        for (const item of items) addItem(builder, collection, version, item);
        count += items.length;
        progress(`${collection.resource}: ${count}${remaining === undefined ? "" : ` of ${count + remaining}`}`);
      }
      return;
    } catch (error) {
      // Not served in this version: an older one may be.
      if (!(error instanceof KubernetesApiError && error.status === 404)) throw error;
    }
  }
  if (collection.isExtension === undefined) {
    builder.miss({ what: collection.resource, why: "not served by this API server", isOptional: true });
  }
}

function addItem(
  builder: FactsBuilder,
  collection: ApiCollection,
  version: string,
  item: Readonly<Record<string, unknown>>,
) {
  const field = new Field({ kind: collection.kind, ...item });
  const object = { namespace: field.at("metadata", "namespace").text, name: field.at("metadata", "name").text ?? "" };
  builder.add(field, { t: "api", path: collectionPath(collection, version, object) });
}

function noteFailure(builder: FactsBuilder, collection: ApiCollection, error: unknown): void {
  const isRefused = isKind(error, "permissionDenied");
  builder.miss({
    what: collection.resource,
    why: isRefused ? "forbidden" : messageOf(error),
    isOptional: collection.isExtension === true && isRefused,
    ...(isRefused ? { rule: listRule(collection) } : {}),
  });
}
