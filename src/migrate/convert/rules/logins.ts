import { decodeLogin, type DockerLogin } from "../../docker-config/decode-login.ts";
import type { Draft } from "../draft.ts";

/** Where a kubelet looks for logins by itself. Source: kubernetes `pkg/credentialprovider/config.go`. */
const kubeletPaths = new Set(["/var/lib/kubelet/config.json", "/.docker/config.json"]);

/** What becomes of `docker login`: the kubelet hands logins to the runtime, whichever it is. */
export function convertLogins(draft: Draft): void {
  for (const { path, text } of draft.host.logins) {
    const login = decodeLogin(text, path);
    if (login.problem !== undefined) {
      draft.record("invalid", "auths", { value: "", source: login.source }, { note: login.problem });
    } else convertLogin(login, path, draft);
  }
}

function convertLogin({ source, inline, helpers, hasProxies }: DockerLogin, path: string, draft: Draft): void {
  const isKubelets = kubeletPaths.has(path);
  for (const registry of inline) {
    draft.record(
      isKubelets ? "kept" : "unneeded",
      `auths[${registry}]`,
      { value: "***", source },
      {
        note: isKubelets
          ? "the kubelet reads it there and passes it with each pull; the sandbox image is pulled without"
          : "the docker command's; the kubelet reads it only when its unit sets HOME to that user's",
        ...(!isKubelets && { action: "pods that need it: an imagePullSecret, or /var/lib/kubelet/config.json" }),
      },
    );
  }
  for (const [registry, name] of Object.entries(helpers)) {
    draft.record(
      "lost",
      registry === "*" ? "credsStore" : `credHelpers[${registry}]`,
      { value: name, source },
      {
        note: "the kubelet starts no helper of Docker's",
        action: "give the kubelet --image-credential-provider-config, or pods an imagePullSecret",
      },
    );
  }
  if (hasProxies) {
    const note = "set into containers by docker run; pods never had them";
    draft.record("unneeded", "proxies", { value: "{…}", source }, { note });
  }
}

/** Hosts that somebody logged in to. */
export function loginHosts(files: readonly { readonly path: string; readonly text: string }[]): string[] {
  const all = files.map(({ path, text }) => decodeLogin(text, path));
  const names = all.flatMap(({ inline, helpers }) => inline.concat(Object.keys(helpers)));
  return names.map((name) => name.replace(/^https?:\/\//, "").replace(/\/.*$/, ""));
}
