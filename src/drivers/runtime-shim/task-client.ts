import type { UnixNs } from "#base/clock.ts";
import type { Call } from "#core/call.ts";
import { formatSpec } from "#core/tasks/format-spec.ts";
import type { OciProcess, OciResources } from "#core/tasks/oci-spec.ts";
import type { TaskState, TerminalSize } from "#core/tasks/runtime.ts";
import { ProtoFields, ProtoWriter } from "./protobuf.ts";
import { connectTtrpc, type TtrpcClient } from "./ttrpc-client.ts";

/** Where a process's streams are: paths, or empty for none. */
export type StdioPaths = { readonly stdin: string; readonly stdout: string; readonly stderr: string };

export type ProcessExit = { readonly exitCode: number; readonly exitedAtNs: UnixNs };

export type ShimAddress = { readonly address: string; readonly version: number };

/** What the shim's options are for `io.containerd.runc.v2`; other shims get none unless one is set. */
export type ShimOptions = {
  readonly binaryName?: string;
  readonly root?: string;
  readonly systemdCgroup?: boolean;
  readonly shimCgroup?: string;
};

/**
 * The task service of a shim for one container; an `execId` left out is its first process.
 *
 * Source: containerd api/runtime/task/v2/shim.proto, v3/shim.proto (the same messages).
 */
export class TaskClient implements Disposable {
  readonly connection: TtrpcClient;
  readonly #service: string;
  readonly #id: string;

  constructor(connection: TtrpcClient, version: number, id: string) {
    this.connection = connection;
    this.#service = version >= 3 ? "containerd.task.v3.Task" : "containerd.task.v2.Task";
    this.#id = id;
  }

  /** @throws unavailable when the shim is not there */
  static async open(call: Call, { address, version }: ShimAddress, id: string): Promise<TaskClient> {
    const connection = await connectTtrpc(address, call.signal);
    return new TaskClient(connection, version, id);
  }

  /** The pid of the first process, made and not started. */
  async create(
    call: Call,
    request: { bundle: string; terminal: boolean; stdio: StdioPaths; options: ShimOptions },
  ): Promise<number> {
    const { bundle, terminal, stdio, options } = request;
    const message = this.#about().string(2, bundle).bool(4, terminal);
    message.string(5, stdio.stdin).string(6, stdio.stdout).string(7, stdio.stderr);
    if (Object.keys(options).length > 0) message.any(10, optionsType, formatOptions(options));
    return (await this.#call(call, "Create", message)).number(1);
  }

  /** The process's pid. */
  async start(call: Call, execId?: string): Promise<number> {
    return (await this.#call(call, "Start", this.#about(execId))).number(1);
  }

  async state(call: Call): Promise<{ state: TaskState; pid: number; exit: ProcessExit }> {
    const fields = await this.#call(call, "State", this.#about());
    const exit = { exitCode: fields.number(9), exitedAtNs: toNs(fields.message(10)) };
    return { state: stateOf(fields.number(4)), pid: fields.number(3), exit };
  }

  async kill(call: Call, signal: number, options: { execId?: string; all?: boolean } = {}): Promise<void> {
    const message = this.#about(options.execId).integer(3, signal).bool(4, options.all);
    await this.#call(call, "Kill", message);
  }

  async exec(
    call: Call,
    request: { execId: string; process: OciProcess; terminal: boolean; stdio: StdioPaths },
  ): Promise<void> {
    const { execId, process, terminal, stdio } = request;
    const message = this.#about(execId).bool(3, terminal);
    message.string(4, stdio.stdin).string(5, stdio.stdout).string(6, stdio.stderr);
    await this.#call(
      call,
      "Exec",
      message.any(7, `${specTypes}Process`, new TextEncoder().encode(formatSpec(process))),
    );
  }

  /** Settles when the process has ended. */
  async wait(call: Call, execId?: string): Promise<ProcessExit> {
    const fields = await this.#call(call, "Wait", this.#about(execId));
    return { exitCode: fields.number(1), exitedAtNs: toNs(fields.message(2)) };
  }

  /** Forgets an ended process, when its output was copied or two seconds have passed. */
  async delete(call: Call, execId?: string): Promise<ProcessExit> {
    const fields = await this.#call(call, "Delete", this.#about(execId));
    return { exitCode: fields.number(2), exitedAtNs: toNs(fields.message(3)) };
  }

  async pids(call: Call): Promise<number[]> {
    return (await this.#call(call, "Pids", this.#about())).messages(1).map((info) => info.number(1));
  }

  async pause(call: Call): Promise<void> {
    await this.#call(call, "Pause", this.#about());
  }

  async resume(call: Call): Promise<void> {
    await this.#call(call, "Resume", this.#about());
  }

  async update(call: Call, resources: OciResources): Promise<void> {
    await this.#call(call, "Update", this.#about().any(2, `${specTypes}LinuxResources`, toJson(resources)));
  }

  async resizePty(call: Call, { width, height }: TerminalSize, execId?: string): Promise<void> {
    await this.#call(call, "ResizePty", this.#about(execId).integer(3, width).integer(4, height));
  }

  async closeStdin(call: Call, execId?: string): Promise<void> {
    await this.#call(call, "CloseIO", this.#about(execId).bool(3, true));
  }

  /** Metrics of the kind that `typeUrl` names. */
  async stats(call: Call): Promise<{ typeUrl: string; metrics: ProtoFields }> {
    const any = (await this.#call(call, "Stats", this.#about())).message(1);
    return { typeUrl: any.string(1), metrics: any.message(2) };
  }

  /** Pids of the shim and of the first process. */
  async connect(call: Call): Promise<{ shimPid: number; taskPid: number }> {
    const fields = await this.#call(call, "Connect", this.#about());
    return { shimPid: fields.number(1), taskPid: fields.number(2) };
  }

  /** Ends the shim, unless it serves other containers. */
  async shutdown(call: Call): Promise<void> {
    await this.#call(call, "Shutdown", this.#about());
  }

  close(): void {
    this.connection.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Every request begins with the container's id, and the exec's where there is one. */
  #about(execId?: string): ProtoWriter {
    return new ProtoWriter().string(1, this.#id).string(2, execId);
  }

  async #call(call: Call, method: string, message: ProtoWriter): Promise<ProtoFields> {
    const payload = message.finish();
    const request = { service: this.#service, method, payload, signal: call.signal };
    return new ProtoFields(await this.connection.call(request));
  }
}

/** `google.protobuf.Timestamp`. */
export function toNs(timestamp: ProtoFields): UnixNs {
  return BigInt.asIntN(64, timestamp.bigint(1)) * 1_000_000_000n + timestamp.bigint(2);
}

const optionsType = "containerd.runc.v1.Options";
const specTypes = "types.containerd.io/opencontainers/runtime-spec/1/";

/** Source: containerd api/types/runc/options/oci.proto. */
function formatOptions({ binaryName, root, systemdCgroup, shimCgroup }: ShimOptions): Uint8Array {
  const message = new ProtoWriter().string(3, shimCgroup).string(6, binaryName).string(7, root);
  return message.bool(9, systemdCgroup).finish();
}

/** Specs travel as JSON, named by their Go package. */
function toJson(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

/** Pausing (5) counts as paused; unknown (0) as running, for nothing says that it ended. */
function stateOf(status: number): TaskState {
  const states: readonly TaskState[] = ["running", "created", "running", "stopped", "paused", "paused"];
  return states[status] ?? "running";
}
