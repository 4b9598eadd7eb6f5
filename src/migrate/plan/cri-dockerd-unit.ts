import { findFlag } from "../host/command-line.ts";
import type { NodeFacts } from "../host/read-node.ts";
import { runtimes } from "../host/read-runtime.ts";
import type { FileDrafts } from "./file-drafts.ts";
import { sandboxImageOf } from "./sandbox-image.ts";

/** Flags of the kubelet under dockershim that cri-dockerd takes by the same name. Source: cri-dockerd `config/options.go`. */
const movedFlags = ["cni-conf-dir", "cni-bin-dir", "cni-cache-dir", "network-plugin-mtu", "docker-endpoint"] as const;

/** Gives cri-dockerd what the kubelet did with Docker itself, in a drop-in of its unit. */
export function writeCriDockerd({ kubelet, files, criDockerd }: NodeFacts, drafts: FileDrafts): void {
  const path = runtimes["cri-dockerd"].config;
  const flags = [
    "--container-runtime-endpoint fd://",
    "--network-plugin=cni",
    ...movedFlags.flatMap((name) => {
      const value = findFlag(kubelet.commandLine, name)?.value;
      return value === undefined ? [] : [`--${name}=${value}`];
    }),
    `--pod-infra-container-image=${sandboxImageOf(kubelet)}`,
  ];
  const lines = ["[Service]", "ExecStart=", `ExecStart=/usr/bin/cri-dockerd ${flags.join(" ")}`];
  const before = criDockerd.config?.text ?? files.get(path)?.text;
  drafts.edit(path, before, () => `${lines.join("\n")}\n`, "what the kubelet told Docker, cri-dockerd is told");
}
