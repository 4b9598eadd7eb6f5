import type { ObjectRef, PodRef, Workload } from "./cluster-facts.ts";
import type { Field } from "./field.ts";
import type { Place } from "./place.ts";
import { readPodShape } from "./read-pod-shape.ts";
import { templateOf, type Template } from "./templates.ts";

type Growing = { -readonly [Key in keyof Workload]: Workload[Key] } & { pods: PodRef[] };
type Known = { readonly ref: ObjectRef; readonly owner: ObjectRef | undefined };

const annotationOfMirrors = "kubernetes.io/config.mirror";

/**
 * Workloads by what they are and how their pods look. A pod that looks as its controller's template joins it; one that
 * was changed on its way (an injected sidecar, an older revision) is a workload of its own with the same name.
 */
export class WorkloadIndex {
  /** By controller and shape. */
  readonly #workloads = new Map<string, Growing>();
  /** Controllers and what owns them, for the way from a pod outwards. */
  readonly #known = new Map<string, Known>();
  podCount = 0;

  workloads(): Workload[] {
    return [...this.#workloads.values()];
  }

  addController(object: Field, place: Place, ref: ObjectRef): void {
    const owner = ownerOf(object, ref.namespace);
    this.#known.set(keyOf(ref), { ref, owner });
    const template = templateOf(object, ref.kind);
    // What a Deployment or CronJob made says nothing new: pods of an older revision show themselves.
    if (template === undefined || (owner !== undefined && this.#known.has(keyOf(owner)))) return;
    this.addTemplate({ object, place, ref, ...template });
  }

  addTemplate({
    object,
    place,
    ref,
    spec,
    metadata,
  }: Template & { object: Field; place: Place; ref: ObjectRef }): void {
    const shape = readPodShape(spec, metadata);
    this.#workloads.set(shapeKey(ref, shape), {
      ref,
      managedBy: ownerOf(object, ref.namespace),
      shape,
      place,
      specPath: spec.path,
      origin: "template",
      labels: metadata.at("labels").textMap(),
      replicas: object.at("spec", "replicas").number,
      isSuspended: object.at("spec", "suspend").isTrue || object.at("spec", "paused").isTrue,
      pods: [],
    });
  }

  addPod(object: Field, place: Place, ref: ObjectRef): void {
    this.podCount++;
    // What has ended runs no more; what made it is there by itself.
    if (["Succeeded", "Failed"].includes(object.at("status", "phase").text ?? "")) return;
    const metadata = object.at("metadata");
    const isStatic = metadata.at("annotations", annotationOfMirrors).isPresent;
    const { outermost, managedBy } = this.#climb(isStatic ? undefined : ownerOf(object, ref.namespace), ref);
    const shape = readPodShape(object.at("spec"), metadata);
    const key = shapeKey(outermost, shape);
    const pod: PodRef = {
      namespace: ref.namespace ?? "default",
      name: ref.name,
      node: object.at("spec", "nodeName").text,
      phase: object.at("status", "phase").text ?? "",
    };
    const known = this.#workloads.get(key);
    if (known !== undefined) {
      known.pods.push(pod);
      return;
    }
    this.#workloads.set(key, {
      ref: outermost,
      managedBy,
      shape,
      place,
      specPath: ".spec",
      origin: isStatic ? "static" : "pod",
      labels: metadata.at("labels").textMap(),
      replicas: undefined,
      isSuspended: false,
      // A manifest on disk is no pod that runs.
      pods: place.t === "api" ? [pod] : [],
    });
  }

  /** From a pod to the last controller that was read; what owns that one is only named. */
  #climb(owner: ObjectRef | undefined, pod: ObjectRef): { outermost: ObjectRef; managedBy: ObjectRef | undefined } {
    let outermost = pod;
    let next = owner;
    for (let depth = 0; next !== undefined && depth < 8; depth++) {
      const known = this.#known.get(keyOf(next));
      // An owner that was not read stands for its pods all the same.
      if (known === undefined)
        return outermost === pod ? { outermost: next, managedBy: undefined } : { outermost, managedBy: next };
      outermost = known.ref;
      next = known.owner;
    }
    return { outermost, managedBy: undefined };
  }
}

function shapeKey(ref: ObjectRef, shape: Workload["shape"]): string {
  return `${keyOf(ref)} ${JSON.stringify(shape)}`;
}

function keyOf({ kind, namespace = "", name }: ObjectRef): string {
  return `${kind}/${namespace}/${name}`;
}

function ownerOf(object: Field, namespace: string | undefined): ObjectRef | undefined {
  const owner = object
    .at("metadata", "ownerReferences")
    .items()
    .find((one) => one.at("controller").isTrue);
  const [kind, name] = [owner?.at("kind").text, owner?.at("name").text];
  if (kind === undefined || name === undefined || kind === "Node") return undefined;
  return { kind, name, ...(namespace === undefined ? {} : { namespace }) };
}
