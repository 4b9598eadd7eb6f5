import { EngineError } from "#base/errors.ts";
import type { Namespace } from "#core/call.ts";
import type { ContainerId } from "#core/containers/container.ts";
import type { ExecProcess } from "#core/tasks/runtime.ts";

/** A further process of a container, from its making until the container has gone. */
export type ExecRecord = {
  /** 64 hex digits. */
  readonly id: string;
  readonly namespace: Namespace;
  readonly containerId: ContainerId;
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly user: string;
  readonly workdir: string;
  readonly tty: boolean;
  readonly privileged: boolean;
  readonly attach: { readonly stdin: boolean; readonly stdout: boolean; readonly stderr: boolean };
  readonly state: "created" | "running" | "exited";
  /** 0 before the start. */
  readonly pid: number;
  /** Undefined until the end. */
  readonly exitCode: number | undefined;
  readonly process: ExecProcess | undefined;
};

/** Execs that are remembered, in all; beyond that the oldest that do not run are forgotten, ended ones first. */
const maxRecords = 1000;

/** Execs of all containers, in memory: a restart of the daemon forgets them, as Docker's does. */
export class ExecRegistry {
  readonly #records = new Map<string, ExecRecord>();

  add(record: ExecRecord): void {
    this.#records.set(record.id, record);
    this.#forgetOldest(record.id);
  }

  /** @throws notFound */
  get(namespace: Namespace, id: string): ExecRecord {
    const record = this.#records.get(id);
    if (record?.namespace === namespace) return record;
    throw new EngineError("notFound", `No such exec instance: ${id}`);
  }

  list(namespace: Namespace, containerId: ContainerId): ExecRecord[] {
    return [...this.#records.values()].filter((it) => it.namespace === namespace && it.containerId === containerId);
  }

  /** Nothing when the record has gone meanwhile. */
  patch(id: string, change: Partial<ExecRecord>): void {
    const record = this.#records.get(id);
    if (record !== undefined) this.#records.set(id, { ...record, ...change });
  }

  /** Forgets all of a container's. */
  deleteOf(namespace: Namespace, containerId: ContainerId): void {
    for (const record of this.list(namespace, containerId)) this.#records.delete(record.id);
  }

  #forgetOldest(newest: string): void {
    for (const state of ["exited", "created"]) {
      for (const record of this.#records.values()) {
        if (this.#records.size <= maxRecords) return;
        if (record.state === state && record.id !== newest) this.#records.delete(record.id);
      }
    }
  }
}
