import { setTimeout as sleep } from "node:timers/promises";
import { EngineError, isKind } from "#base/errors.ts";
import { JsonReader } from "#base/json-reader.ts";
import type { KubernetesClient } from "#clients/kubernetes/kubernetes-client.ts";
import type { KubernetesObject } from "#clients/kubernetes/kubernetes-object.ts";
import type { Call } from "../call.ts";
import { recordName } from "./run-record.ts";

export type LeaseOptions = {
  readonly namespace: string;
  /** Who holds it, for whoever is refused: `host-1 pid 4711`. */
  readonly holder: string;
  /** Whole seconds: a holder that is silent for so long has lost it. */
  readonly seconds: number;
};

/**
 * Excludes other controllers as long as it is held, and renews itself. Clocks that disagree may let a second one in; the
 * record's `resourceVersion` then stops whichever writes later.
 */
export class RunLease implements AsyncDisposable {
  readonly #client: KubernetesClient;
  readonly #options: LeaseOptions;
  readonly #stop = new AbortController();
  readonly #lost = new AbortController();
  #object: KubernetesObject;
  #renewing: Promise<void> = Promise.resolve();

  private constructor(client: KubernetesClient, options: LeaseOptions, object: KubernetesObject) {
    this.#client = client;
    this.#options = options;
    this.#object = object;
  }

  /** @throws conflict naming the holder and when its lease ends */
  static async acquire(call: Call, client: KubernetesClient, options: LeaseOptions): Promise<RunLease> {
    const path = leasesPath(options.namespace);
    const existing = await client.find(call, `${path}/${recordName}`);
    const fresh = {
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: { name: recordName, namespace: options.namespace },
    };
    refuseHeld(existing);
    const held = { ...(existing ?? fresh), spec: specOf(options) };
    try {
      const object =
        existing === undefined
          ? await client.create(call, path, held)
          : await client.replace(call, `${path}/${recordName}`, held);
      const lease = new RunLease(client, options, object);
      lease.#renewing = lease.#renew();
      return lease;
    } catch (cause) {
      if (!isKind(cause, "conflict")) throw cause;
      throw new EngineError("conflict", "cluster run: another controller begins at this moment", { cause });
    }
  }

  /** Aborts when somebody else has it. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Gives it back, if the API server answers; else it ends by itself. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#renewing;
    if (this.#lost.signal.aborted) return;
    const spec = { ...specOf(this.#options), holderIdentity: "" };
    await this.#put({ signal: AbortSignal.timeout(5_000) }, spec).catch(() => {});
  }

  async #renew(): Promise<void> {
    const call = { signal: this.#stop.signal };
    try {
      for (;;) {
        await sleep((this.#options.seconds * 1_000) / 3, undefined, call);
        await this.#put(call, specOf(this.#options)).catch((error: unknown) => {
          // While the API server is away nobody else can take it either.
          if (isKind(error, "conflict", "notFound")) throw error;
        });
      }
    } catch (cause) {
      if (this.#stop.signal.aborted) return;
      this.#lost.abort(new EngineError("conflict", "cluster run: another controller has taken over", { cause }));
    }
  }

  async #put(call: Call, spec: object): Promise<void> {
    const path = `${leasesPath(this.#options.namespace)}/${recordName}`;
    try {
      this.#object = await this.#client.replace(call, path, { ...this.#object, spec });
    } catch (error) {
      if (!isKind(error, "conflict")) throw error;
      // The answer to an earlier renewal may have been lost.
      const now = await this.#client.get(call, path);
      if (holderOf(now) !== this.#options.holder) throw error;
      this.#object = now;
    }
  }
}

/** @throws conflict when its holder is not silent for longer than it said */
function refuseHeld(lease: KubernetesObject | undefined): void {
  const holder = lease === undefined ? "" : holderOf(lease);
  if (lease === undefined || holder === "") return;
  const spec = new JsonReader(lease, "lease").at("spec");
  const renewed = Date.parse(spec.at("renewTime").optionalString() ?? "");
  const leftMs = renewed + (spec.at("leaseDurationSeconds").optionalNumber() ?? 0) * 1_000 - Date.now();
  if (!(leftMs > 0)) return;
  const left = `${Math.ceil(leftMs / 1_000)} s`;
  throw new EngineError("conflict", `cluster run: ${holder} drives it; its lease ends ${left} after it falls silent`);
}

function holderOf(lease: KubernetesObject): string {
  return new JsonReader(lease, "lease").at("spec").at("holderIdentity").optionalString() ?? "";
}

function specOf({ holder, seconds }: LeaseOptions): object {
  // MicroTime: six digits of a second.
  const renewTime = new Date().toISOString().replace("Z", "000Z");
  return { holderIdentity: holder, leaseDurationSeconds: seconds, renewTime };
}

function leasesPath(namespace: string): string {
  return `/apis/coordination.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/leases`;
}
