import { shellWord } from "#base/shell-word.ts";
import type { PackageManager } from "../host/read-os.ts";
import type { DrainOptions, Residue, StepAction, UnitState } from "./step.ts";

/**
 * What a person would type to do a step by hand, one command a line. `apply` does the same by its own ways: the API in
 * place of kubectl, whole files in place of an editor. Files are shown as diffs, not here.
 */
export function stepCommands(step: StepAction): string[] {
  switch (step.kind) {
    case "preflight":
    case "snapshot":
    case "write-files":
      return [];
    case "carry-images":
      return [
        `ferry migrate images --from ${shellWord(step.dataRoot)} --driver ${shellWord(step.driver)} --to ${step.to}`,
      ];
    case "share-images":
      return [`ferry migrate images --from containerd --from-namespace ${shellWord(step.from)} --to containerd`];
    case "install-packages":
      return [`${installCommands[step.manager]} ${step.packages.map(shellWord).join(" ")}`];
    case "load-modules":
      return [`modprobe --all ${step.modules.join(" ")}`];
    case "set-sysctls":
      return Object.entries(step.values).map(([name, value]) => `sysctl -w ${shellWord(`${name}=${value}`)}`);
    case "cordon":
      return [`kubectl cordon ${step.node}`];
    case "drain":
      return [`kubectl drain ${step.node} ${drainFlags(step.drain)}`];
    case "set-units":
      return ["systemctl daemon-reload", ...step.units.flatMap(unitCommands)];
    case "remove-pods":
      return step.through === "docker"
        ? [
            "docker ps --all --quiet --filter label=io.kubernetes.docker.type | xargs --no-run-if-empty docker rm --force",
          ]
        : [`crictl --runtime-endpoint ${step.endpoint} rmp --all --force`];
    case "wait-for-runtime":
      return [`crictl --runtime-endpoint ${step.endpoint} info`];
    case "annotate-node":
      return [
        `kubectl annotate node ${step.node} --overwrite ${shellWord(`${step.key}${step.value === null ? "-" : `=${step.value}`}`)}`,
      ];
    case "wait-for-node":
      return [
        `kubectl wait node/${step.node} --for=condition=Ready --timeout=${step.timeoutMs / 1000}s`,
        `kubectl get node ${step.node} -o jsonpath='{.status.nodeInfo.containerRuntimeVersion}'   # ${step.runtimePrefix}…`,
      ];
    case "smoke-pod":
      return [
        `kubectl run ferry-migrate-smoke --image=${shellWord(step.image)} --overrides='{"spec":{"nodeName":"${step.node}"}}' …`,
      ];
    case "uncordon":
      return [`kubectl uncordon ${step.node}`];
    case "sweep-residue":
      return step.items.flatMap(sweepCommands);
    case "purge":
      return [
        ...(step.packages.length === 0
          ? []
          : [`${removeCommands[step.manager]} ${step.packages.map(shellWord).join(" ")}`]),
        `rm -rf ${step.paths.map(shellWord).join(" ")}`,
      ];
    default:
      return step satisfies never;
  }
}

const installCommands: Readonly<Record<PackageManager, string>> = {
  apt: "apt-get install",
  dnf: "dnf install",
  yum: "yum install",
  zypper: "zypper install",
  none: "# install by hand:",
};

const removeCommands: Readonly<Record<PackageManager, string>> = {
  apt: "apt-get purge",
  dnf: "dnf remove",
  yum: "yum remove",
  zypper: "zypper remove",
  none: "# remove by hand:",
};

function unitCommands({ name, active, enabled, restart }: UnitState): string[] {
  const run = restart === true ? "restart" : active ? "start" : "stop";
  if (enabled === undefined) return [`systemctl ${run} ${name}`];
  const isOneCommand = restart !== true && enabled === active;
  const enable = enabled ? "enable" : "disable";
  return isOneCommand
    ? [`systemctl ${enable} --now ${name}`]
    : [`systemctl ${enable} ${name}`, `systemctl ${run} ${name}`];
}

function drainFlags({ gracePeriodSeconds, timeoutMs, deleteEmptyDirData, force }: DrainOptions): string {
  return [
    "--ignore-daemonsets",
    ...(deleteEmptyDirData ? ["--delete-emptydir-data"] : []),
    ...(force ? ["--force"] : []),
    ...(gracePeriodSeconds === null ? [] : [`--grace-period=${gracePeriodSeconds}`]),
    `--timeout=${timeoutMs / 1000}s`,
  ].join(" ");
}

function sweepCommands(item: Residue): string[] {
  switch (item.t) {
    case "link":
      return [`ip link delete ${item.name}`];
    case "chain":
      return [`iptables -t ${item.table} -F ${item.name} && iptables -t ${item.table} -X ${item.name}`];
    case "path":
      return [`rm -rf ${shellWord(item.path)}`];
    default:
      return item satisfies never;
  }
}
