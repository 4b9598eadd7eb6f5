import { EngineError } from "#base/errors.ts";
import { JsonReader } from "#base/json-reader.ts";
import { decodeTarget } from "../decode-action.ts";
import type { Target } from "../step.ts";

/** The order in which a cluster's nodes move: a file that is reviewed, kept and resumed from. */
export type ClusterPlan = {
  readonly version: 1;
  readonly kind: "cluster";
  readonly target: Target;
  /** Of the API server, or the directories that were read. */
  readonly cluster: string;
  /** RFC 3339. */
  readonly madeAt: string;
  /** One after the other; the nodes of one batch at the same time. */
  readonly batches: readonly Batch[];
  readonly skipped: readonly { readonly node: string; readonly why: string }[];
  /** Pools that a provider replaces, and how. */
  readonly managed: readonly ManagedPool[];
  readonly notes: readonly string[];
};

export type Batch = {
  /** Unique and stable: `02-zone-a-1`. */
  readonly id: string;
  readonly title: string;
  /** Why these, and why here. */
  readonly why: string;
  readonly nodes: readonly string[];
  /** How long every node must have stayed Ready before the next batch begins. */
  readonly soakMs: number;
};

export type ManagedPool = {
  readonly provider: "eks" | "gke" | "aks";
  readonly pool: string;
  readonly nodes: readonly string[];
  readonly commands: readonly string[];
  readonly notes: readonly string[];
};

const maxNodes = 20_000;

/** @throws invalidArgument for what is no cluster plan of this version */
export function parseClusterPlan(text: string): ClusterPlan {
  const json = JsonReader.parse(Buffer.from(text), "cluster plan", 64 << 20);
  if (json.at("kind").optionalString() !== "cluster") {
    throw new EngineError(
      "invalidArgument",
      "cluster plan: it is a plan of one node, for ferry migrate apply, or none at all",
    );
  }
  const version = json.at("version").size();
  if (version !== 1) {
    throw new EngineError(
      "invalidArgument",
      `cluster plan: version ${version}, this ferry knows version 1; make it anew`,
    );
  }
  return {
    version,
    kind: "cluster",
    target: decodeTarget(json.at("target")),
    cluster: json.at("cluster").string(),
    madeAt: json.at("madeAt").string(),
    batches: json.at("batches").list(maxNodes).map(decodeBatch),
    skipped: json
      .at("skipped")
      .list(maxNodes)
      .map((one) => ({ node: one.at("node").string(), why: one.at("why").string() })),
    managed: json.at("managed").list(maxNodes).map(decodePool),
    notes: json.at("notes").strings(maxNodes),
  };
}

export function formatClusterPlan(plan: ClusterPlan): string {
  return `${JSON.stringify(plan, undefined, 2)}\n`;
}

function decodeBatch(json: JsonReader): Batch {
  return {
    id: json.at("id").string(),
    title: json.at("title").string(),
    why: json.at("why").string(),
    nodes: json.at("nodes").strings(maxNodes),
    soakMs: json.at("soakMs").size(),
  };
}

function decodePool(json: JsonReader): ManagedPool {
  const provider = json.at("provider").string();
  if (provider !== "eks" && provider !== "gke" && provider !== "aks") return json.at("provider").fail("is not known");
  return {
    provider,
    pool: json.at("pool").string(),
    nodes: json.at("nodes").strings(maxNodes),
    commands: json.at("commands").strings(100),
    notes: json.at("notes").strings(100),
  };
}
