import { criDockerdUnit } from "../convert/cri-dockerd-unit.ts";
import { findFlag } from "../host/command-line.ts";
import type { NodeFacts } from "../host/read-node.ts";
import { runtimes } from "../host/read-runtime.ts";
import type { FileDrafts } from "./file-drafts.ts";
import { sandboxImageOf } from "./sandbox-image.ts";

/** Gives cri-dockerd what the kubelet did with Docker itself, in a drop-in of its unit. */
export function writeCriDockerd({ kubelet, files, criDockerd }: NodeFacts, drafts: FileDrafts): void {
  const path = runtimes["cri-dockerd"].config;
  const text = criDockerdUnit((name) => findFlag(kubelet.commandLine, name)?.value, sandboxImageOf(kubelet));
  const before = criDockerd.config?.text ?? files.get(path)?.text;
  drafts.edit(path, before, () => text, "what the kubelet told Docker, cri-dockerd is told");
}
