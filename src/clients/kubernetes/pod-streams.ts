import { EngineError } from "#base/errors.ts";
import { JsonReader } from "#base/json-reader.ts";
import type { Abortable } from "./connection.ts";
import type { KubernetesClient } from "./kubernetes-client.ts";

export type PodPlace = { readonly namespace: string; readonly name: string };

export type ExecResult = { readonly exitCode: number; readonly stdout: string; readonly stderr: string };

/** Numbers of an exec's channels. Source: k8s.io/apimachinery, remotecommand constants. */
const execChannel = { stdout: 1, stderr: 2, status: 3 } as const;

const maxOutputBytes = 1 << 20;

/**
 * Runs a command in a pod's first container, as `kubectl exec` does, to its end.
 *
 * @throws internal with what the kubelet or the runtime says when it does not come about
 */
export async function execInPod(
  call: Abortable,
  client: KubernetesClient,
  pod: PodPlace,
  command: readonly string[],
): Promise<ExecResult> {
  const words = command.map((word) => ["command", word]);
  const query = new URLSearchParams([...words, ["stdout", "true"], ["stderr", "true"]]);
  using channels = await client.channels(call, `${podPath(pod)}/exec?${query.toString()}`);
  const heard: Record<number, Buffer[]> = {};
  let left = maxOutputBytes;
  for await (const { channel, bytes } of channels.messages()) {
    left -= bytes.length;
    if (left < 0)
      throw new EngineError("outOfRange", `exec in ${nameOf(pod)}: more than ${maxOutputBytes} bytes of output`);
    (heard[channel] ??= []).push(bytes);
  }
  const text = (channel: number) => Buffer.concat(heard[channel] ?? []).toString("utf8");
  return {
    exitCode: exitCodeOf(text(execChannel.status), pod),
    stdout: text(execChannel.stdout),
    stderr: text(execChannel.stderr),
  };
}

/**
 * Sends `bytes` to a port of a pod, as through `kubectl port-forward`, and answers what comes back until there is as much of
 * it as was sent, or the pod hangs up.
 *
 * @throws internal with what the kubelet or the runtime says when nobody can be reached there
 */
export async function echoFromPod(
  call: Abortable,
  client: KubernetesClient,
  pod: PodPlace,
  { port, bytes }: { port: number; bytes: Buffer },
): Promise<Buffer> {
  using channels = await client.channels(call, `${podPath(pod)}/portforward?ports=${port}`);
  channels.send(0, bytes);
  // Channel 0 carries the connection, 1 what went wrong; both begin with the port's number in two bytes.
  const [data, error] = [new PortChannel(), new PortChannel()];
  for await (const message of channels.messages()) {
    (message.channel === 0 ? data : error).add(message.bytes);
    if (error.bytes.length > 0) break;
    if (data.bytes.length >= bytes.length) return data.bytes;
  }
  if (error.bytes.length === 0) return data.bytes;
  throw new EngineError("internal", `port ${port} of ${nameOf(pod)}: ${error.bytes.toString("utf8").trim()}`);
}

/** A channel's bytes behind the number that comes first. */
class PortChannel {
  #all: Buffer = Buffer.alloc(0);

  add(bytes: Buffer): void {
    this.#all = Buffer.concat([this.#all, bytes]);
  }

  get bytes(): Buffer {
    return this.#all.subarray(2);
  }
}

/** The channel's `Status` object names the exit code where it is not 0. */
function exitCodeOf(text: string, pod: PodPlace): number {
  if (text === "") throw new EngineError("unavailable", `exec in ${nameOf(pod)}: the stream ended without a status`);
  const status = JsonReader.parse(Buffer.from(text), `exec in ${nameOf(pod)}: status`, 1 << 20);
  if (status.at("status").optionalString() === "Success") return 0;
  const causes = status.at("details").at("causes").list(100);
  const code = causes.find((cause) => cause.at("reason").optionalString() === "ExitCode");
  if (code !== undefined) return Number(code.at("message").string());
  throw new EngineError("internal", `exec in ${nameOf(pod)}: ${status.at("message").optionalString() ?? text}`);
}

function podPath({ namespace, name }: PodPlace): string {
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}`;
}

function nameOf({ namespace, name }: PodPlace): string {
  return `pod ${namespace}/${name}`;
}
