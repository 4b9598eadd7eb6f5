import assert from "node:assert/strict";
import test, { after, before, suite } from "node:test";
import { listProcesses } from "#engine/list-processes.ts";
import { removeContainer } from "#engine/remove-container.ts";
import { startContainer } from "#engine/start-container.ts";
import { EngineStreams } from "#surfaces/cri/engine-streams.ts";
import { SpdyClient } from "#surfaces/cri/streaming/spdy-client.fixture.ts";
import { StreamingServer } from "#surfaces/cri/streaming/streaming-server.ts";
import { wanted } from "#surfaces/cri/streaming/streaming-bed.fixture.ts";
import { eventually } from "#test/support/eventually.ts";
import { openTestDaemon, type TestDaemon } from "./daemon-fixture.ts";

const isRoot = process.getuid?.() === 0;

suite("streams of containers", { skip: isRoot ? false : "needs root" }, () => {
  let daemon: TestDaemon;
  let server: StreamingServer;
  let containerId: string;
  before(async () => {
    daemon = await openTestDaemon();
    server = await StreamingServer.open(daemon.call, new EngineStreams(daemon.engine));
    const loop = "while read line; do echo heard $line; done";
    const container = await daemon.create(["sh", "-c", loop], { stdin: "open" });
    containerId = container.id;
    await startContainer(daemon.call, daemon.engine, containerId);
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    await removeContainer(daemon.call, daemon.engine, { container: containerId, force: true, removeVolumes: true });
    await daemon[Symbol.asyncDispose]();
  });

  const exec = (streams: string, ...args: string[]) => server.getExec({ containerId, args, ...wanted(streams) });

  /** A client with its streams open: their numbers, the error stream's first. */
  const open = async (url: string, ...types: string[]) => {
    const client = await SpdyClient.open(url);
    const ids = ["error", ...types].map((streamtype) => client.open({ streamtype }));
    await client.until(() => ids.every((id) => client.stream(id).replied));
    return { client, ids };
  };

  const commands = async () => {
    const { processes } = await listProcesses(daemon.call, daemon.engine, containerId, "-o args");
    return processes.map(([args]) => args);
  };

  test("exec: output and exit code", async () => {
    const { client, ids } = await open(exec("oe", "sh", "-c", "echo out; echo err >&2; exit 3"), "stdout", "stderr");
    using _client = client;
    await client.until(() => ids.every((id) => client.stream(id).fin));
    const [error = "", stdout, stderr] = ids.map((id) => client.stream(id).bytes.toString());
    assert.deepEqual([stdout, stderr], ["out\n", "err\n"]);
    assert.match(error, /"causes":\[\{"reason":"ExitCode","message":"3"\}\]/);
  });

  test("exec: stdin to its end and back", async () => {
    const { client, ids } = await open(exec("io", "cat"), "stdin", "stdout");
    using _client = client;
    const [, stdin = 0, stdout = 0] = ids;
    const bytes = Buffer.alloc(1_000_000, "0123456789");
    client.write(stdin, bytes, true);
    await client.until(() => client.stream(stdout).fin);
    assert.ok(client.stream(stdout).bytes.equals(bytes));
  });

  test("exec: a terminal of the client's size", async () => {
    // Sizes and input come by different ways, in no order between them.
    const script = "read go; until stty size 2>/dev/null; do sleep 0.05; done";
    const { client, ids } = await open(exec("iot", "sh", "-c", script), "stdin", "stdout", "resize");
    using _client = client;
    const [error = 0, stdin = 0, stdout = 0, resize = 0] = ids;
    client.write(resize, `{"Width":111,"Height":33}\n`);
    client.write(stdin, "go\n");
    await client.until(() => client.stream(error).fin);
    assert.match(client.stream(stdout).bytes.toString(), /33 111\r\n$/);
  });

  test("exec: a command that is not there is an internal error", async () => {
    const { client, ids } = await open(exec("o", "/no/such/command"), "stdout");
    using _client = client;
    const [error = 0] = ids;
    await client.until(() => client.stream(error).fin);
    assert.match(client.stream(error).bytes.toString(), /"reason":"InternalError".*no such command|no such file/i);
  });

  test("exec: a client that vanishes takes its process with it, and nothing else", async () => {
    const { client } = await open(exec("o", "sleep", "4242"), "stdout");
    await eventually("sleep runs", async () => (await commands()).includes("sleep 4242"));
    client.socket.resetAndDestroy();
    await eventually("sleep is gone", async () => !(await commands()).includes("sleep 4242"));
    assert.equal((await commands()).length, 1);
  });

  test("attach: what one client says another hears; going away leaves the container alone", async () => {
    const url = () => server.getAttach({ containerId, ...wanted("io") });
    const one = await open(url(), "stdin", "stdout");
    const two = await open(url(), "stdin", "stdout");
    using _two = two.client;
    const [, stdin = 0] = one.ids;
    const [, , stdout = 0] = two.ids;
    await eventually("both hear", async () => {
      one.client.write(stdin, "hello\n");
      return two.client.stream(stdout).bytes.includes("heard hello\n");
    });
    one.client.socket.resetAndDestroy();
    const [, other = 0] = two.ids;
    two.client.write(other, "again\n");
    await two.client.until(() => two.client.stream(stdout).bytes.includes("heard again\n"));
  });
});
