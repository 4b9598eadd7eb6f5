import { mkdir, readFile, writeFile } from "node:fs/promises";
import { hostname as hostName } from "node:os";
import type { Call } from "#core/call.ts";
import type { Sandbox } from "#core/sandboxes/sandbox.ts";
import type { Engine } from "./engine.ts";
import { readHostResolvConf } from "./host-resolv-conf.ts";
import { sandboxPaths } from "./sandbox-paths.ts";

const shmBytes = 64 * 1024 * 1024;

/** Writes what the pod's containers see at `/etc/{hosts,hostname,resolv.conf}` and mounts their `/dev/shm`. */
export async function writeSandboxFiles(call: Call, engine: Engine, sandbox: Sandbox): Promise<void> {
  const paths = sandboxPaths(engine, sandbox);
  await mkdir(paths.directory, { recursive: true, mode: 0o711 });
  const hostname = sandbox.config.hostname === "" ? hostName() : sandbox.config.hostname;
  await Promise.all([
    writeFile(paths.hostname, `${hostname}\n`),
    readFile("/etc/hosts")
      .catch(() => "127.0.0.1\tlocalhost\n::1\tlocalhost\n")
      .then((hosts) => writeFile(paths.hosts, hosts)),
    resolvConf(sandbox).then((text) => writeFile(paths.resolvConf, text)),
    mountShm(call, engine, sandbox),
  ]);
}

/** The pod's own servers, or the host's file as it stands. */
async function resolvConf({ config: { dns } }: Sandbox): Promise<string> {
  if (dns.servers.length + dns.searches.length + dns.options.length === 0) return await readHostResolvConf();
  return [
    ...(dns.searches.length > 0 ? [`search ${dns.searches.join(" ")}`] : []),
    ...dns.servers.map((server) => `nameserver ${server}`),
    ...(dns.options.length > 0 ? [`options ${dns.options.join(" ")}`] : []),
    "",
  ].join("\n");
}

async function mountShm(call: Call, engine: Engine, sandbox: Sandbox): Promise<void> {
  if (sandbox.config.linuxNamespaces.ipc === "host") return;
  const { shm } = sandboxPaths(engine, sandbox);
  await mkdir(shm, { recursive: true, mode: 0o711 });
  const options = ["nosuid", "noexec", "nodev", "mode=1777", `size=${shmBytes}`];
  await engine.mounter.mount(call, [{ type: "tmpfs", source: "shm", options }], shm);
}
