import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir, readFile } from "node:fs/promises";
import { get } from "node:https";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import test, { after, before, suite } from "node:test";
import { silentLogger } from "#base/logger.ts";
import { NamespaceMode } from "#gen/runtime/v1/security_pb.ts";
import { makeCa } from "#test/support/certificates.ts";
import { freePort } from "#test/support/test-images.ts";
import { openDaemon } from "../../src/daemon/compose.ts";
import { decodeConfig } from "../../src/daemon/config.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { openCriBed, type CriBed } from "./cri-bed.ts";

const isRoot = process.getuid?.() === 0;
const linux = { securityContext: { namespaceOptions: { pid: NamespaceMode.CONTAINER } } };

suite("the CRI's configuration", { skip: isRoot ? false : "needs root" }, () => {
  let bed: CriBed;
  let ca: Awaited<ReturnType<typeof makeCa>>;
  let port: number;
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  before(async () => {
    directory = await temporaryDirectory("cri-config");
    await mkdir(join(directory.path, "pki"));
    ca = await makeCa(join(directory.path, "pki"));
    const { certPath, keyPath } = await ca.issue("streams");
    port = await freePort();
    bed = await openCriBed({
      bridge: "frcriconf0",
      subnet: "10.231.84.0/24",
      config: () => `
stream_server_port = ${port}
enable_tls_streaming = true
x509_key_pair_streaming = { tls_cert_file = "${certPath}", tls_key_file = "${keyPath}" }
enable_unprivileged_ports = false
enable_unprivileged_icmp = false
restrict_oom_score_adj = true
`,
    });
    await bed.v1.images.pullImage({ image: { image: bed.image } });
  });
  after(async () => {
    await bed[Symbol.asyncDispose]();
    await directory[Symbol.asyncDispose]();
  });

  const runContainer = async (name: string, asked: object) => {
    const metadata = { name, uid: `uid-${name}`, namespace: "default", attempt: 0 };
    const { podSandboxId } = await bed.v1.runtime.runPodSandbox({ config: { metadata, hostname: name, linux } });
    const container = { metadata: { name, attempt: 0 }, image: { image: bed.image }, command: ["sleep", "1000"] };
    const { containerId } = await bed.v1.runtime.createContainer({
      podSandboxId,
      config: { ...container, linux: { ...linux, ...asked } },
    });
    await bed.v1.runtime.startContainer({ containerId });
    return { podSandboxId, containerId };
  };

  test("streams are served at the port, over TLS with the pair", async () => {
    const { podSandboxId, containerId } = await runContainer("tls", {});
    const { url } = await bed.v1.runtime.exec({ containerId, cmd: ["true"], stdout: true });
    assert.match(url, new RegExp(`^https://127\\.0\\.0\\.1:${port}/exec/`));
    const request = get(url, { ca: ca.ca.cert, agent: false });
    const [response] = (await once(request, "response")) as [IncomingMessage];
    assert.deepEqual([response.statusCode, /unable to upgrade/.test(await text(response))], [400, true]);
    await bed.v1.runtime.removePodSandbox({ podSandboxId });
  });

  test("no sysctls for unprivileged ports and ping, no score below the daemon's", async () => {
    const { podSandboxId, containerId } = await runContainer("plain", { resources: { oomScoreAdj: -999n } });
    const paths = ["/proc/sys/net/ipv4/ip_unprivileged_port_start", "/proc/sys/net/ipv4/ping_group_range"];
    const { stdout } = await bed.v1.runtime.execSync({ containerId, cmd: ["cat", ...paths, "/proc/1/oom_score_adj"] });
    const own = await readFile("/proc/self/oom_score_adj", "utf8");
    assert.deepEqual(Buffer.from(stdout).toString().trim().split(/\s+/), ["1024", "1", "0", own.trim()]);
    await bed.v1.runtime.removePodSandbox({ podSandboxId });
  });

  test("TLS without a pair is refused at start", async () => {
    await using directory = await temporaryDirectory("cri-tls");
    const [root, state] = ["root", "state"].map((name) => JSON.stringify(join(directory.path, name)));
    const source = `[daemon]\nroot = ${root}\nstate = ${state}\n[docker]\nsocket = ""\n[cri]\nenable_tls_streaming = true`;
    const { config } = decodeConfig(source);
    await assert.rejects(openDaemon({ config, log: silentLogger }), /cri\.enable_tls_streaming: needs tls_cert_file/);
  });
});
