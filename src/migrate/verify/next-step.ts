/** What kubelets, runtimes and API servers say, and what to do about it. Sources: the messages' own projects. */
const known: readonly { readonly says: RegExp; readonly next: string }[] = [
  {
    says: /cannot (create|get|list|delete) resource|forbidden: User/i,
    next: "give the kubeconfig's user that right; all that are needed: ferry migrate verify --print-rbac",
  },
  {
    says: /server gave HTTP response to HTTPS client|x509: |certificate signed by unknown authority/,
    next: "the registry's certs.d is missing or wrong: ferry migrate convert --image IMAGE prints it",
  },
  {
    says: /failed to get sandbox image|failed to pull (and unpack )?sandbox image/i,
    next: "the sandbox image is pulled without credentials: name one in sandbox_image that needs none, or that is there",
  },
  {
    says: /\b401\b|unauthorized|authentication required|pull access denied|no basic auth credentials|authorization failed/i,
    next: "look at the pod's imagePullSecrets and at /var/lib/kubelet/config.json on the node: logins in ~/.docker were Docker's own",
  },
  {
    says: /manifest unknown|not found: manifest|failed to resolve reference .* not found|repository does not exist/i,
    next: "the registry does not have it any more: push it again; ferry migrate images carries what no registry has",
  },
  {
    says: /no such host|i\/o timeout|connection refused.*\/v2\/|TLS handshake timeout|proxyconnect/,
    next: "the node's runtime does not reach the registry: see its proxy, ferry migrate convert --diff shows what Docker had",
  },
  {
    says: /no runtime for "|unknown runtime handler|runtime handler .* not (found|supported|configured)|RuntimeHandler .* not supported/i,
    next: "the runtime has no such handler: ferry migrate convert --diff shows those of Docker's runtimes",
  },
  {
    says: /OutOfnvidia|UnexpectedAdmissionError|Insufficient nvidia/,
    next: "every GPU of the node is taken: verify it while it is drained, or free one",
  },
  {
    says: /cni plugin not initialized|NetworkPluginNotReady/,
    next: "the runtime finds no network: ls /etc/cni/net.d on the node",
  },
  { says: /socat.*not found|nsenter.*not found/, next: "Docker's port-forward needs socat and nsenter on the node" },
  {
    says: /bind: (permission denied|Permission denied)/,
    next: "set enable_unprivileged_ports = true in the runtime's CRI configuration and restart it",
  },
];

/** Undefined for what is not known. */
export function nextStep(text: string): string | undefined {
  return known.find(({ says }) => says.test(text))?.next;
}
