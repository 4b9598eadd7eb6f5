import type { NodeFacts } from "../host/read-node.ts";
import type { FileDrafts } from "./file-drafts.ts";
import { editFlags } from "./edit-flags.ts";
import { editKubeletConfig } from "./edit-kubelet-config.ts";
import { overridePath } from "./override-path.ts";
import type { Target } from "./step.ts";

/**
 * Takes `--docker` from a k3s node: from its unit and its `config.yaml`. Its own containerd is what it then uses; another
 * runtime is named by `container-runtime-endpoint`. Answers what the reader must know.
 *
 * Source: docs.k3s.io, "CLI tools: server", `--docker` and `--container-runtime-endpoint`.
 */
export function changeK3s(facts: NodeFacts, target: Target, endpoint: string, drafts: FileDrafts): string[] {
  const { k3s } = facts;
  if (k3s === undefined) return [];
  const why = "k3s no longer starts with Docker";
  for (const region of [...(k3s.commandLine?.regions ?? [])].sort((a, b) => b.start - a.start)) {
    const file = k3s.commandLine?.files.find(({ path }) => path === region.path);
    if (file === undefined) continue;
    const path = overridePath(region.path);
    const old = drafts.textOf(path) ?? file.text;
    const edited = editFlags(old, region, [{ name: "docker", value: null }]);
    if (edited !== old) drafts.edit(path, path === file.path ? file.text : undefined, () => edited, why);
  }
  const { config } = k3s;
  if (config?.fields.get("docker")?.value === "true") {
    const edit = [{ field: "docker", value: false }];
    drafts.edit(config.path, config.text, (text) => editKubeletConfig(config.path, text, edit), why);
  }
  if (target !== "containerd") placeEndpoint(facts, endpoint, drafts);
  return target === "containerd"
    ? [
        "k3s brings its own containerd, configured below /var/lib/rancher/k3s/agent/etc/containerd: images are pulled again, or carried into it with ferry migrate images",
      ]
    : [
        "k3s keeps its CNI configuration and plugins below /var/lib/rancher/k3s: see that the runtime looks there, or give the cluster a network of its own",
      ];
}

function placeEndpoint({ k3s, layout }: NodeFacts, endpoint: string, drafts: FileDrafts): void {
  if (layout.t !== "k3s") return;
  const edit = [{ field: "container-runtime-endpoint", value: endpoint }];
  const path = layout.configPath;
  drafts.edit(
    path,
    k3s?.config?.text,
    (text) => editKubeletConfig(path, text, edit),
    "k3s uses the new runtime",
    0o600,
  );
}
