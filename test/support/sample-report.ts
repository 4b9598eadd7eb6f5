import type { Finding, Severity } from "#migrate/assess/finding.ts";
import type { Report } from "#migrate/assess/report.ts";

/** A report as a cluster of `nodes` nodes gives it, with every severity and with text that would like to be markup. */
export function sampleReport(nodes = 24): Report {
  const names = Array.from({ length: nodes }, (_, at) => `node-${String(at + 1).padStart(2, "0")}`);
  const findings = sampleFindings(names);
  const count = (own: readonly Finding[]) => {
    const summary: Record<Severity, number> = { blocker: 0, high: 0, medium: 0, low: 0 };
    for (const { severity } of own) summary[severity]++;
    return summary;
  };
  return {
    version: 1,
    tool: { name: "ferry", version: "0.0.0" },
    madeAt: "2026-01-02T03:04:05Z",
    cluster: { server: "https://10.0.0.1:6443", context: "shop", version: "v1.23.17", nodes, workloads: 31, pods: 412 },
    manifests: [],
    host: null,
    summary: count(findings),
    findings,
    nodes: names.map((name, at) => ({
      name,
      kubelet: "v1.23.17",
      runtime: at % 8 === 7 ? "containerd://1.6.20" : "docker://20.10.24",
      summary: count(findings.filter((finding) => finding.nodes?.includes(name) === true)),
    })),
    checks: [
      {
        id: "docker-socket-mount",
        title: "Pods that mount Docker's socket",
        severity: "blocker",
        scope: "cluster",
        findings: 1,
      },
      {
        id: "log-parser",
        title: "Log collectors that read Docker's format only",
        severity: "high",
        scope: "cluster",
        findings: 1,
      },
    ],
    missing: [{ what: "secrets", why: "forbidden", rule: "list secrets", isOptional: true }],
  };
}

function sampleFindings(nodes: readonly string[]): Finding[] {
  const every = (step: number) => nodes.filter((_, at) => at % step === 0);
  const pod = (kind: string, namespace: string, name: string) => ({ t: "object", kind, namespace, name }) as const;
  return [
    {
      check: "docker-socket-mount",
      severity: "blocker",
      title: "deployment ci/jenkins-agent: builds images through /var/run/docker.sock",
      why: "The socket is gone with Docker: every build fails from then on.",
      subject: pod("Deployment", "ci", "jenkins-agent"),
      nodes: every(5),
      evidence: [
        {
          t: "api",
          path: "/apis/apps/v1/namespaces/ci/deployments/jenkins-agent",
          field: ".spec.template.spec.volumes[0].hostPath.path",
          excerpt: "/var/run/docker.sock",
        },
      ],
      fix: {
        summary: "Build with buildkit in a pod of its own.",
        commands: ["kubectl -n ci patch deployment jenkins-agent --patch-file no-socket.yaml"],
        patch: "-  hostPath: {path: /var/run/docker.sock}\n+  emptyDir: {}",
        links: ["https://kubernetes.io/docs/", "javascript:alert(1)"],
      },
    },
    {
      check: "log-parser",
      severity: "high",
      title: "configmap kube-system/fluentd: reads Docker's log format only",
      why: "Lines in CRI format do not match; logs stop at the collector.",
      subject: pod("ConfigMap", "kube-system", "fluentd"),
      nodes: every(3),
      evidence: [{ t: "file", path: "manifests/fluentd.yaml", line: 12, excerpt: "@type json" }],
      fix: { summary: "Take the settings of ferry migrate logs settings fluentd." },
    },
    {
      check: "hostile-name",
      severity: "medium",
      title: `pod default/<script>document.title="owned"</script>: "quotes" & 'more'`,
      why: "<img src=x onerror=alert(1)>",
      subject: pod("Pod", "default", "<script>"),
      nodes: every(2),
      evidence: [{ t: "system", what: "</pre><script>alert(1)</script>" }],
      fix: { summary: "</details>", commands: ["echo '<b>'"] },
    },
    {
      check: "docker-group",
      severity: "low",
      title: "node node-01: three people are in the group docker",
      why: "They lose what the group gave them.",
      subject: { t: "node", node: nodes[0] ?? "" },
      evidence: [{ t: "file", path: "/etc/group", line: 40 }],
      fix: { summary: "Give them ferry or crictl by sudo." },
    },
  ];
}
