import type { Call } from "#core/call.ts";
import type { StatusRequest } from "#gen/runtime/v1/runtime_pb.ts";
import type { Cri } from "./cri.ts";

/** Ready as soon as it answers; the network is ready when the pod network is, and says why when it is not. */
export async function status(_call: Call, { engine, settings }: Cri, { verbose }: StatusRequest) {
  const problem = await engine.podNetwork.problem();
  const features = engine.runtime.features();
  const named = features.map((it) => ({
    name: it.name,
    features: { recursiveReadOnlyMounts: it.recursiveReadOnly, userNamespaces: it.userNamespaces },
  }));
  const byDefault = named.find(({ name }) => name === engine.runtime.defaultHandler);
  return {
    status: {
      conditions: [
        { type: "RuntimeReady", status: true },
        problem === undefined
          ? { type: "NetworkReady", status: true }
          : { type: "NetworkReady", status: false, reason: "NetworkPluginNotReady", message: problem },
      ],
    },
    // The empty name is the default handler.
    runtimeHandlers: [...(byDefault === undefined ? [] : [{ ...byDefault, name: "" }]), ...named],
    features: { supplementalGroupsPolicy: true },
    info: verbose ? { config: JSON.stringify({ ...settings, ...directories(engine), runtimes: features }) } : {},
  };
}

/** By containerd's names, for who looks at what filesystem pods are on. */
function directories({ settings: { rootDirectory, stateDirectory } }: Cri["engine"]) {
  return { rootDir: rootDirectory, stateDir: stateDirectory };
}
