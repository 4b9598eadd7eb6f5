import { EngineError, isKind } from "#base/errors.ts";
import { JsonReader } from "#base/json-reader.ts";
import type { KubernetesClient } from "#clients/kubernetes/kubernetes-client.ts";
import type { KubernetesObject } from "#clients/kubernetes/kubernetes-object.ts";
import type { Call } from "../call.ts";
import { parseClusterPlan, type ClusterPlan } from "../plan/cluster/cluster-plan.ts";
import { formatRunState, parseRunState, type RunState } from "./run-state.ts";

/** Name of the ConfigMap, and of the Lease beside it. */
export const recordName = "ferry-migrate";

/** What a run is made of and never changes. */
export type RunOrder = {
  readonly plan: ClusterPlan;
  /** More words for `ferry migrate cluster-node` on each node. */
  readonly words: readonly string[];
};

/** A cluster's run in its ConfigMap; whoever has it can go on with the run from any machine. */
export class RunRecord {
  readonly order: RunOrder;
  readonly #client: KubernetesClient;
  readonly #path: string;
  #object: KubernetesObject;

  private constructor(client: KubernetesClient, path: string, object: KubernetesObject) {
    this.#client = client;
    this.#path = path;
    this.#object = object;
    const data = dataOf(object);
    this.order = {
      plan: parseClusterPlan(data.at("plan").string()),
      words: JsonReader.parse(Buffer.from(data.at("words").string()), "words", 64 << 10).strings(1_000),
    };
  }

  /** The record in `namespace`, or undefined. @throws as the parsers of what is in it */
  static async find(call: Call, client: KubernetesClient, namespace: string): Promise<RunRecord | undefined> {
    const path = `${mapsPath(namespace)}/${recordName}`;
    const object = await client.find(call, path);
    return object === undefined ? undefined : new RunRecord(client, path, object);
  }

  /** Begins a record, in place of `old` where one is. @throws conflict when somebody else was first */
  static async begin(
    call: Call,
    client: KubernetesClient,
    first: { namespace: string; order: RunOrder; state: RunState; old: RunRecord | undefined },
  ): Promise<RunRecord> {
    const { namespace, order, state, old } = first;
    const object = {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: recordName, namespace },
      data: {
        plan: JSON.stringify(order.plan),
        words: JSON.stringify(order.words),
        state: formatRunState(state),
      },
    };
    const path = `${mapsPath(namespace)}/${recordName}`;
    if (old === undefined) return new RunRecord(client, path, await client.create(call, mapsPath(namespace), object));
    const replaced = { ...old.#object, data: object.data };
    return new RunRecord(client, path, await client.replace(call, path, replaced));
  }

  get state(): RunState {
    return parseRunState(dataOf(this.#object).at("state").string());
  }

  /** Keeps `state`. @throws conflict when somebody else changed the record meanwhile */
  async save(call: Call, state: RunState): Promise<void> {
    const data = { ...dataOf(this.#object).stringMap(), state: formatRunState(state) };
    try {
      this.#object = await this.#client.replace(call, this.#path, { ...this.#object, data });
    } catch (error) {
      if (!isKind(error, "conflict")) throw error;
      // An answer that was lost on its way is seen as a conflict the second time.
      const now = await this.#client.get(call, this.#path);
      if (dataOf(now).at("state").optionalString() !== data.state) {
        throw new EngineError("conflict", `cluster run: another controller changed it`, { cause: error });
      }
      this.#object = now;
    }
  }
}

function mapsPath(namespace: string): string {
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/configmaps`;
}

function dataOf(object: KubernetesObject): JsonReader {
  return new JsonReader(object, `configmap ${recordName}`).at("data");
}
