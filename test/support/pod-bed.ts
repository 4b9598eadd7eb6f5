import { mkdir, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { clearCgroups } from "../crash/clear-machine.ts";
import { readPodState, type PodPlace, type PodState } from "../crash/pod-state.ts";
import { openCriClient, type CriClient } from "./cri-client.ts";
import { FerryBed } from "./ferry-bed.ts";
import { podNetwork } from "./pod-network.ts";
import { command } from "./processes.ts";
import { findBinary } from "./require.ts";
import { temporaryDirectory } from "./temporary-directory.ts";
import { openTestImages, type TestImages } from "./test-images.ts";

export type PodBedOptions = {
  /** Of the pods' network; others may run at the same time. */
  readonly bridge: string;
  readonly subnet: string;
  /** Program of the OCI runtime, or type of a shim (`io.containerd.runc.v2`); the daemon's own choice by default. */
  readonly runtime?: string;
};

/** A ferryd as a node runs it, with a pod network and images of its own, and clients of its CRI socket. */
export type PodBed = AsyncDisposable & {
  readonly ferry: FerryBed;
  readonly socket: string;
  readonly v1: CriClient;
  readonly v1alpha2: CriClient;
  readonly images: TestImages;
  /** The small one, pulled already. */
  readonly image: string;
  /** Where pods' logs go. */
  readonly logs: string;
  /** Of every cgroup that the daemon makes by itself. */
  readonly cgroupParent: string;
  /** What pods have left on the machine, once removals in the background are through. */
  state(): Promise<PodState>;
};

export async function openPodBed({ bridge, subnet, runtime }: PodBedOptions): Promise<PodBed> {
  await using undo = new AsyncDisposableStack();
  const images = undo.use(await openTestImages());
  const directory = undo.use(await temporaryDirectory("pods"));
  const [network, leases, logs] = ["net.d", "leases", "logs"].map((name) => join(directory.path, name));
  if (network === undefined || leases === undefined || logs === undefined) throw new Error("three names, three paths");
  for (const path of [network, logs]) await mkdir(path);
  const plugins = podNetwork({ bridge, subnet, dataDir: leases });
  await writeFile(join(network, "10-pods.conflist"), JSON.stringify(plugins));
  const cgroupParent = `/${basename(directory.path)}`;
  undo.defer(async () => {
    await clearCgroups(cgroupParent);
    await command(["ip", "link", "delete", bridge]).catch(() => {});
  });
  const runtimes = `[runtime]\ncgroup_driver = "cgroupfs"\ncgroup_parent = "${cgroupParent}"\n${chosenRuntime(runtime)}`;
  const pods = `[cri]\ncni_conf_dir = "${network}"`;
  const ferry = undo.use(await FerryBed.open({ config: [runtimes, pods].join("\n") }));
  const socket = join(ferry.state, "ferry.sock");
  const [v1, v1alpha2] = [openCriClient(socket, "v1"), openCriClient(socket, "v1alpha2")];
  undo.defer(async () => {
    const { items } = await v1.runtime.listPodSandbox({});
    for (const { id } of items) await v1.runtime.removePodSandbox({ podSandboxId: id });
    for (const { session } of [v1, v1alpha2]) session.abort();
  });
  await v1.images.pullImage({ image: { image: images.small } });
  const place: PodPlace = { root: ferry.root, state: ferry.state, cgroupParent, leases, bridge };
  const held = undo.move();
  return {
    ferry,
    socket,
    v1,
    v1alpha2,
    images,
    image: images.small,
    logs,
    cgroupParent,
    state: async () => await readPodState(place),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

/** The rest of the section `runtime`. */
function chosenRuntime(runtime: string | undefined): string {
  if (runtime === undefined) return "";
  if (runtime.startsWith("io.")) return `default = "chosen"\n[runtimes.chosen]\nruntime_type = "${runtime}"`;
  return `default = "chosen"\nhandlers = { chosen = "${findBinary(runtime)}" }`;
}
