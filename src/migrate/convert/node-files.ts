import type { ConvertedFile } from "./conversion.ts";

/** Read by a kubelet with `--config-dir`, from 1.28 on; to be merged into its `config.yaml` before. */
export const kubeletFragmentPath = "/etc/kubernetes/kubelet.conf.d/90-container-runtime.conf";

/** A KubeletConfiguration of some fields. The endpoint is a flag before 1.27, so it is left to whoever knows the kubelet. */
export function kubeletFile(values: ReadonlyMap<string, string | number>): ConvertedFile {
  const fields = [...values].map(([key, value]) => `${key}: ${typeof value === "number" ? value : quoted(value)}\n`);
  return {
    path: kubeletFragmentPath,
    mode: 0o644,
    content: `apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n${fields.join("")}`,
    why: "what the kubelet does from now on",
  };
}

export function crictlFile(endpoint: string): ConvertedFile {
  return {
    path: "/etc/crictl.yaml",
    mode: 0o644,
    content: `runtime-endpoint: ${endpoint}\nimage-endpoint: ${endpoint}\ntimeout: 10\ndebug: false\n`,
    why: "where crictl finds the runtime",
  };
}

export function byPath(files: readonly ConvertedFile[]): ConvertedFile[] {
  return files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

/** As a YAML scalar. */
function quoted(text: string): string {
  return /^[a-z][\w./-]*$/i.test(text) || /^\d+[A-Za-z]+$/.test(text) ? text : JSON.stringify(text);
}
