import { spawnSync } from "node:child_process";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { errnoOf } from "#base/errors.ts";

type Plugins = { name: string; cniVersion: string; plugins: ({ type: string } & Record<string, unknown>)[] };

const cache = "/var/lib/cni/cache/results";

/** CNI ADD as dockershim's CNI library makes it, with its cached result. */
export async function addToNetwork(id: string, pid: number, pod: { namespace: string; name: string }): Promise<void> {
  const { name, cniVersion, plugins } = await readConfig();
  let result: unknown;
  for (const plugin of plugins) {
    const config = { ...plugin, name, cniVersion, ...(result === undefined ? {} : { prevResult: result }) };
    result = run("ADD", { id, pid, config, args: `K8S_POD_NAMESPACE=${pod.namespace};K8S_POD_NAME=${pod.name}` });
  }
  await mkdir(cache, { recursive: true });
  const path = `${cache}/${name}-${id}-eth0`;
  await writeFile(`${path}.new`, JSON.stringify({ kind: "cniCacheV1", containerId: id, result }));
  await rename(`${path}.new`, path);
}

/** CNI DEL; without a result of ADD too, as of a sandbox whose kubelet was killed before there was one. */
export async function deleteFromNetwork(id: string, pid: number): Promise<void> {
  const { name, cniVersion, plugins } = await readConfig();
  const path = `${cache}/${name}-${id}-eth0`;
  const known = await readResult(path);
  for (const plugin of plugins.toReversed()) run("DEL", { id, pid, config: { ...plugin, name, cniVersion, ...known } });
  await rm(path, { force: true });
}

async function readResult(path: string): Promise<{ readonly prevResult?: unknown }> {
  try {
    const { result } = JSON.parse(await readFile(path, "utf8")) as { result: unknown };
    return { prevResult: result };
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return {};
    throw error;
  }
}

async function readConfig(): Promise<Plugins> {
  const name = (await readdir("/etc/cni/net.d")).sort()[0] ?? "";
  return JSON.parse(await readFile(`/etc/cni/net.d/${name}`, "utf8")) as Plugins;
}

type Asked = { id: string; pid: number; config: { type: string; [key: string]: unknown }; args?: string };

function run(command: string, { id, pid, config, args = "" }: Asked): unknown {
  const { status, stdout } = spawnSync(`/usr/lib/cni/${config.type}`, {
    input: JSON.stringify(config),
    encoding: "utf8",
    env: {
      PATH: process.env["PATH"],
      CNI_COMMAND: command,
      CNI_CONTAINERID: id,
      CNI_NETNS: pid === 0 ? "" : `/proc/${pid}/ns/net`,
      CNI_IFNAME: "eth0",
      CNI_PATH: "/usr/lib/cni",
      CNI_ARGS: args === "" ? "IgnoreUnknown=1" : `IgnoreUnknown=1;${args}`,
    },
  });
  if (status !== 0) throw new Error(`${config.type} ${command}: ${stdout}`);
  return stdout === "" ? undefined : (JSON.parse(stdout) as unknown);
}
