import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { DockerClient } from "#clients/docker/docker-client.ts";
import { outputFrames } from "#clients/docker/frames.ts";
import type { Call } from "#core/call.ts";
import type { CommandStreams, ExecStreamRequest, StreamingRuntime } from "#surfaces/cri/streaming/streaming-runtime.ts";
import { inspect } from "./docker-pods.ts";

/** Exec and port-forward over Docker as dockershim and cri-dockerd do them: its API, and socat in the sandbox's network. */
export class DockerStreams implements StreamingRuntime {
  readonly #client: DockerClient;

  constructor(client: DockerClient) {
    this.#client = client;
  }

  async exec({ signal }: Call, { containerId, args }: ExecStreamRequest, streams: CommandStreams): Promise<number> {
    const { Id } = await this.#client.json<{ Id: string }>({
      method: "POST",
      path: `/containers/${containerId}/exec`,
      json: { Cmd: args, AttachStdout: true, AttachStderr: true },
      signal,
    });
    await using answer = await this.#client.open({
      method: "POST",
      path: `/exec/${Id}/start`,
      json: { Detach: false },
      signal,
    });
    for await (const { stream, bytes } of outputFrames(answer.body)) streams[stream]?.write(bytes);
    return (await this.#client.json<{ ExitCode: number }>({ path: `/exec/${Id}/json`, signal })).ExitCode;
  }

  async attach(): Promise<void> {
    return await Promise.reject(new Error("attach: not needed by any test"));
  }

  async portForward(
    { signal }: Call,
    { podSandboxId, port }: { podSandboxId: string; port: number },
    connection: Duplex,
  ): Promise<void> {
    const { State } = await inspect(this.#client, podSandboxId);
    const inside = ["-t", String(State.Pid), "-n", "socat", "-", `TCP4:localhost:${port}`];
    const child = spawn("nsenter", inside, { stdio: ["pipe", "pipe", "pipe"], signal });
    child.on("error", () => {});
    child.stdin.on("error", () => {});
    const closed = once(child, "close");
    const said: Buffer[] = [];
    child.stderr.on("data", (chunk: Buffer) => said.push(chunk));
    void pipeline(connection, child.stdin, { signal }).catch(() => {});
    await pipeline(child.stdout, connection, { signal, end: false }).catch(() => {});
    const [code] = (await closed) as [number | null];
    if (code !== 0) throw new Error(Buffer.concat(said).toString().trim());
    connection.end();
  }
}
