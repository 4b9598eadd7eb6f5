import type {
  AccountFacts,
  BudgetFacts,
  ClaimFacts,
  ClusterFacts,
  Missing,
  NodeConfig,
  NodeFacts,
  NodeMetrics,
  ObjectRef,
  RuntimeClassFacts,
  ServiceFacts,
  TextFacts,
  VolumeFacts,
} from "./cluster-facts.ts";
import type { Field } from "./field.ts";
import type { Place } from "./place.ts";
import {
  readAccount,
  readBudget,
  readClaim,
  readNode,
  readRuntimeClass,
  readService,
  readVolume,
} from "./read-objects.ts";
import { readTexts } from "./read-texts.ts";
import { findTemplates, isWorkloadKind } from "./templates.ts";
import { WorkloadIndex } from "./workload-index.ts";

/** Texts kept in all; what is more is noted as missing. */
const maxTextBytes = 64 * 1024 * 1024;

/**
 * Takes objects one by one and keeps what checks need. Controllers before their pods: a pod finds its owners among what
 * was added before.
 */
export class FactsBuilder {
  readonly #workloads = new WorkloadIndex();
  readonly #nodes: NodeFacts[] = [];
  readonly #texts: TextFacts[] = [];
  readonly #volumes: VolumeFacts[] = [];
  readonly #claims: ClaimFacts[] = [];
  readonly #services: ServiceFacts[] = [];
  readonly #budgets: BudgetFacts[] = [];
  readonly #runtimeClasses: RuntimeClassFacts[] = [];
  readonly #accounts: AccountFacts[] = [];
  readonly #missing: Missing[] = [];
  #textBytes = 0;

  add(object: Field, place: Place): void {
    const kind = object.at("kind").text ?? "";
    const ref = refOf(object, kind);
    if (kind === "Pod") this.#workloads.addPod(object, place, ref);
    else if (isWorkloadKind(kind)) this.#workloads.addController(object, place, ref);
    else this.#addOther(kind, object, place, ref);
  }

  addText(text: TextFacts): void {
    this.#textBytes += text.text.length;
    if (this.#textBytes <= maxTextBytes) this.#texts.push(text);
    else this.miss({ what: text.name, why: "too much text in all", isOptional: false });
  }

  miss(missing: Missing): void {
    this.#missing.push(missing);
  }

  get nodeNames(): string[] {
    return this.#nodes.map(({ name }) => name);
  }

  /** What the kubelet of a node says itself. */
  setNode(name: string, more: { config?: NodeConfig; metrics?: NodeMetrics }): void {
    const at = this.#nodes.findIndex((node) => node.name === name);
    const node = this.#nodes[at];
    if (node !== undefined) this.#nodes[at] = { ...node, ...more };
  }

  build(origin: ClusterFacts["origin"]): ClusterFacts {
    return {
      origin,
      nodes: this.#nodes,
      workloads: this.#workloads.workloads(),
      podCount: this.#workloads.podCount,
      texts: this.#texts,
      volumes: this.#volumes,
      claims: this.#claims,
      services: this.#services,
      budgets: this.#budgets,
      runtimeClasses: this.#runtimeClasses,
      accounts: this.#accounts,
      missing: this.#missing,
    };
  }

  #addOther(kind: string, object: Field, place: Place, ref: ObjectRef): void {
    switch (kind) {
      case "Node":
        this.#nodes.push(readNode(object, place));
        break;
      case "PersistentVolume":
        this.#volumes.push(...readVolume(object, place));
        break;
      case "PersistentVolumeClaim":
        this.#claims.push(...readClaim(object));
        break;
      case "Service":
        this.#services.push(readService(object, place, ref));
        break;
      case "PodDisruptionBudget":
        this.#budgets.push(readBudget(object, place, ref));
        break;
      case "RuntimeClass":
        this.#runtimeClasses.push(readRuntimeClass(object, place));
        break;
      case "ServiceAccount":
        this.#accounts.push(readAccount(object));
        break;
      case "Secret":
        // Its content is nobody's business here.
        break;
      default:
        this.#addCustom(object, place, ref);
    }
  }

  /** ConfigMaps and custom resources: their texts, and pod templates wherever they stand in them. */
  #addCustom(object: Field, place: Place, ref: ObjectRef): void {
    for (const template of findTemplates(object)) this.#workloads.addTemplate({ object, place, ref, ...template });
    for (const text of readTexts(object, place, ref)) this.addText(text);
  }
}

function refOf(object: Field, kind: string): ObjectRef {
  const namespace = object.at("metadata", "namespace").text;
  const name = object.at("metadata", "name").text ?? object.at("metadata", "generateName").text ?? "";
  return { kind, name, ...(namespace === undefined ? {} : { namespace }) };
}
