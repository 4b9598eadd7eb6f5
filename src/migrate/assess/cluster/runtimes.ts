import { gpuFix, tomlKey } from "../fix-texts.ts";
import { memberPath } from "../../cluster/field.ts";
import { sourceAt } from "../../cluster/place.ts";
import type { CheckInfo, ClusterCheck } from "../check.ts";
import { isDocker } from "../nodes-finding.ts";
import { workloadFinding } from "../workload-finding.ts";

const handlerInfo: CheckInfo = {
  id: "runtime-class-handler",
  title: "RuntimeClasses whose handler the new runtime must know",
  severity: "high",
};

/** Every class that is there or asked for; `runc` is known everywhere. */
export const runtimeClassHandler: ClusterCheck = {
  ...handlerInfo,
  *find({ runtimeClasses, workloads }) {
    for (const { name, place, handler } of runtimeClasses) {
      if (handler === "runc" || handler === "") continue;
      const users = workloads.filter(({ shape }) => shape.runtimeClass?.name === name);
      yield {
        check: handlerInfo.id,
        severity: users.length > 0 ? "high" : "medium",
        title: `runtimeclass ${name}: needs a handler ${handler}`,
        why: `Pods of this class (${users.length} workloads) are refused on a node whose runtime has no handler of that name.`,
        subject: { t: "object", kind: "RuntimeClass", name },
        evidence: [
          sourceAt(place, ".handler", handler),
          ...users.slice(0, 5).map((one) => sourceAt(one.place, `${one.specPath}.runtimeClassName`, name)),
        ],
        fix: {
          summary: `Configure the handler ${handler} on the target.`,
          patch: `# /etc/ferry/config.toml\n[runtimes.${tomlKey(handler)}]\nruntime_type = "io.containerd.runc.v2"\n\n# /etc/containerd/config.toml, version 2\n[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.${tomlKey(handler)}]\n  runtime_type = "io.containerd.runc.v2"\n`,
          links: ["https://kubernetes.io/docs/concepts/containers/runtime-class/"],
        },
      };
    }
    for (const workload of workloads) {
      const { untrusted } = workload.shape;
      if (untrusted === undefined) continue;
      yield workloadFinding(handlerInfo, workload, {
        at: [{ path: untrusted, excerpt: "io.kubernetes.cri.untrusted-workload" }],
        says: "asks for the untrusted runtime by annotation",
        why: "containerd 2.0 has no untrusted_workload_runtime any more: the annotation does nothing, and the pod runs unsandboxed.",
        fix: { summary: "Make a RuntimeClass for that runtime and name it in runtimeClassName." },
      });
    }
  },
};

const gpuInfo: CheckInfo = {
  id: "gpu-default-runtime",
  title: "GPU pods that rely on Docker's default runtime",
  severity: "high",
};

/** Without a RuntimeClass, `default-runtime: nvidia` in daemon.json is what gives them their devices. */
export const gpuDefaultRuntime: ClusterCheck = {
  ...gpuInfo,
  *find({ workloads, nodes }) {
    if (nodes.length > 0 && !nodes.some(isDocker)) return;
    for (const workload of workloads) {
      if (workload.shape.runtimeClass !== undefined) continue;
      const container = workload.shape.containers.find(
        ({ devices, env }) =>
          devices.some((name) => name.startsWith("nvidia.com/")) ||
          env.some(({ name, value }) => name === "NVIDIA_VISIBLE_DEVICES" && value !== "void" && value !== "none"),
      );
      if (container === undefined) continue;
      const [device] = container.devices;
      const path = device === undefined ? container.path : memberPath(`${container.path}.resources.limits`, device);
      yield workloadFinding(gpuInfo, workload, {
        at: [{ path, excerpt: device ?? "NVIDIA_VISIBLE_DEVICES" }],
        says: `container ${container.name} uses GPUs without a RuntimeClass`,
        why: "On Docker nodes the default runtime nvidia gives it the devices and libraries; the new runtime's default is plain.",
        fix: {
          ...gpuFix,
          summary: `${gpuFix.summary} Or add a RuntimeClass nvidia and name it here.`,
          patch: `${gpuFix.patch}# the pod\nspec:\n  runtimeClassName: nvidia\n`,
        },
      });
    }
  },
};
