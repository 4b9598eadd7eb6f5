import type { Call } from "#core/call.ts";
import type { Sandbox, SandboxId } from "./sandbox.ts";

/** Records of sandboxes. Each change is durable when the promise settles. */
export interface SandboxStore {
  /** By id or unambiguous prefix of one. @throws notFound */
  get(call: Call, idOrPrefix: string): Promise<Sandbox>;
  find(call: Call, idOrPrefix: string): Promise<Sandbox | undefined>;
  list(call: Call): Promise<Sandbox[]>;
  /** Every namespace's, for recovery. */
  listAll(): Promise<Sandbox[]>;
  /** Reserves id and name. @throws alreadyExists when the name is in use, naming the holder */
  create(call: Call, sandbox: Sandbox): Promise<void>;
  /** Applies `change` to the stored record and stores the result; answers it. @throws notFound */
  update(call: Call, id: SandboxId, change: (sandbox: Sandbox) => Sandbox): Promise<Sandbox>;
  /** Idempotent. */
  delete(call: Call, id: SandboxId): Promise<void>;
}
