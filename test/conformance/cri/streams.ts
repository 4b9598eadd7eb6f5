import assert from "node:assert/strict";
import { readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { Code } from "@connectrpc/connect";
import { SpdyClient } from "#surfaces/cri/streaming/spdy-client.fixture.ts";
import { eventually } from "#test/support/eventually.ts";
import { refused, type Case } from "./kubelet.ts";

/** A client with its streams open: their numbers, the error stream's first. */
async function open(url: string, ...types: string[]) {
  const client = await SpdyClient.open(url);
  const ids = ["error", ...types].map((streamtype) => client.open({ streamtype }));
  await client.until(() => ids.every((id) => client.stream(id).replied));
  return { client, ids };
}

export const streams: readonly Case[] = [
  {
    title: "ExecSync: output, exit codes, much of it, and no longer than it may",
    run: async (kubelet) => {
      const containerId = await kubelet.run();
      const exec = async (script: string, timeout = 0n) =>
        await kubelet.runtime.execSync({ containerId, cmd: ["sh", "-c", script], timeout });
      const { stdout, stderr, exitCode } = await exec("echo out; echo err >&2; exit 7");
      assert.deepEqual(
        [Buffer.from(stdout).toString(), Buffer.from(stderr).toString(), exitCode],
        ["out\n", "err\n", 7],
      );
      assert.equal((await exec("busybox head -c 3000000 /dev/zero")).stdout.length, 3_000_000);
      await refused(exec("sleep 30", 1n), Code.DeadlineExceeded);
      await eventually("killed", async () => !(await kubelet.shell(containerId, "ps")).includes("sleep 30"));
      await refused(kubelet.runtime.execSync({ containerId, cmd: [] }), Code.InvalidArgument);
    },
  },
  {
    title: "exec: a URL for one client, streams, an exit code",
    run: async (kubelet) => {
      const containerId = await kubelet.run();
      const request = {
        containerId,
        cmd: ["sh", "-c", "cat; echo err >&2; exit 3"],
        stdin: true,
        stdout: true,
        stderr: true,
      };
      const { url } = await kubelet.runtime.exec(request);
      const { client, ids } = await open(url, "stdin", "stdout", "stderr");
      using _client = client;
      client.write(ids[1] ?? 0, "said", true);
      await client.until(() => ids.every((id, index) => index === 1 || client.stream(id).fin));
      const [error = "", , stdout, stderr] = ids.map((id) => client.stream(id).bytes.toString());
      assert.deepEqual([stdout, stderr], ["said", "err\n"]);
      assert.match(error, /"reason":"ExitCode","message":"3"/);
      using second = await SpdyClient.open(url);
      assert.equal(second.status, 404);
      await refused(kubelet.runtime.exec({ ...request, tty: true }), Code.InvalidArgument);
      await refused(kubelet.runtime.exec({ containerId, cmd: ["true"] }), Code.InvalidArgument);
    },
  },
  {
    title: "attach: a terminal's input and output",
    run: async (kubelet) => {
      const script = "while read line; do echo heard $line; done";
      const containerId = await kubelet.run({ command: ["sh", "-c", script], tty: true, stdin: true });
      const { url } = await kubelet.runtime.attach({ containerId, stdin: true, stdout: true, tty: true });
      const { client, ids } = await open(url, "stdin", "stdout", "resize");
      using _client = client;
      client.write(ids[1] ?? 0, "hello\n");
      await client.until(() => client.stream(ids[2] ?? 0).bytes.includes("heard hello\r\n"));
    },
  },
  {
    title: "attach: stdin that is given once ends with its client",
    run: async (kubelet) => {
      const containerId = await kubelet.run({ command: ["sh", "-c", "cat; exit 5"], stdin: true, stdinOnce: true });
      const { url } = await kubelet.runtime.attach({ containerId, stdin: true, stdout: true });
      const { client, ids } = await open(url, "stdin", "stdout");
      using _client = client;
      client.write(ids[1] ?? 0, "all of it\n", true);
      assert.equal((await kubelet.exited(containerId)).exitCode, 5);
      assert.equal(client.stream(ids[2] ?? 0).bytes.toString(), "all of it\n");
    },
  },
  {
    title: "port-forward: into the pod's network",
    run: async (kubelet) => {
      const podSandboxId = await kubelet.networkedPod();
      const server = ["sh", "-c", "mkdir /www; echo inside > /www/index.html; exec busybox httpd -f -p 8080 -h /www"];
      const containerId = await kubelet.start(podSandboxId, { command: server });
      await kubelet.shell(containerId, "until wget -qO- http://127.0.0.1:8080/; do sleep 0.05; done");
      const { url } = await kubelet.runtime.portForward({ podSandboxId, port: [8080] });
      using client = await SpdyClient.open(url, { "X-Stream-Protocol-Version": "portforward.k8s.io" });
      const common = { port: "8080", requestid: "0" };
      client.write(client.open({ ...common, streamtype: "error" }), "", true);
      const data = client.open({ ...common, streamtype: "data" });
      client.write(data, "GET / HTTP/1.0\r\n\r\n");
      await client.until(() => client.stream(data).fin);
      assert.match(client.stream(data).bytes.toString(), /200 OK[^]*inside\n$/);
    },
  },
  {
    title: "the log: both streams in its format, and a new file when the old one was moved",
    run: async (kubelet) => {
      const path = join(kubelet.bed.logs, "streams.log");
      const script = "echo out; echo err >&2; while [ ! -e /go ]; do sleep 0.02; done; echo after; exec sleep 1000";
      const containerId = await kubelet.run({ command: ["sh", "-c", script], logPath: "streams.log" });
      const has = async (text: string) => (await readFile(path, "utf8")).includes(text);
      await eventually("both streams", async () => (await has("out\n")) && (await has("err\n")));
      for (const line of (await readFile(path, "utf8")).trim().split("\n"))
        assert.match(line, /^\d{4}-\d\d-\d\dT\S+(Z|[+-]\d\d:\d\d) (stdout F out|stderr F err)$/);
      await rename(path, `${path}.1`);
      await kubelet.runtime.reopenContainerLog({ containerId });
      await kubelet.shell(containerId, "touch /go");
      await eventually("a new line", async () => await has("stdout F after\n"));
      await kubelet.runtime.stopContainer({ containerId });
      await refused(kubelet.runtime.reopenContainerLog({ containerId }), Code.FailedPrecondition);
    },
  },
];
