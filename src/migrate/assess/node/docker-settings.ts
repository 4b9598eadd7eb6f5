import { convertCommands, gpuFix } from "../fix-texts.ts";
import { placeText } from "../../ledger/ledger.ts";
import type { Source } from "../../host/source.ts";
import { fileSource, nodeCheck, sentence } from "./node-finding.ts";

export const liveRestore = nodeCheck(
  { id: "live-restore", title: "A Docker whose containers outlive it", severity: "high" },
  function* ({ settings, node }) {
    const said = settings["live-restore"] ?? node.docker?.settings["live-restore"];
    if (said?.value !== true) return;
    yield {
      says: "Docker has live-restore",
      why: "Stopping Docker leaves its containers running, with their ports, mounts and CPU, and nobody to stop them.",
      evidence: [said.source],
      fix: {
        summary: "Remove all containers before Docker is stopped, or turn live-restore off first.",
        commands: ["docker ps -aq | xargs -r docker rm -f"],
      },
    };
  },
);

export const dockerSocketUnit = nodeCheck(
  { id: "docker-socket-unit", title: "A socket unit that would start Docker again", severity: "medium" },
  function* ({ node }) {
    const unit = node.docker?.units.find(({ name }) => name === "docker.socket");
    if (unit?.enabled !== true && unit?.active !== true) return;
    yield {
      says: "docker.socket is enabled",
      why: "Whoever opens /var/run/docker.sock starts Docker again, beside the new runtime.",
      evidence: [{ t: "system", what: "systemctl is-enabled docker.socket", excerpt: "enabled" }],
      fix: { summary: "Disable both units.", commands: ["systemctl disable --now docker.service docker.socket"] },
    };
  },
);

/** Keys whose effect no other runtime has; the ledger of conversion says why for each. */
export const lostSettings = nodeCheck(
  { id: "lost-settings", title: "Settings of Docker's that no other runtime has", severity: "high" },
  function* ({ lost }) {
    for (const { key, value, source, note, action, outcome } of lost) {
      yield {
        says: outcome === "invalid" ? `${key} is nothing that Docker takes` : `${key} = ${value} has no equal`,
        severity: outcome === "invalid" ? "low" : "high",
        why: sentence(note),
        evidence: [source],
        fix: {
          summary: sentence(action ?? `Read what conversion says of it (${placeText(source)}).`),
          commands: convertCommands,
        },
      };
    }
  },
);

/** Mirrors, insecure registries and certificates that the new runtime reads from other files. */
export const registrySettings = nodeCheck(
  { id: "registry-settings", title: "Registries that Docker was told about", severity: "high" },
  function* ({ settings, docker }) {
    const found: { says: string; evidence: Source }[] = [];
    const mirrors = settings["registry-mirrors"];
    const insecure = settings["insecure-registries"];
    if (mirrors !== undefined && mirrors.value.length > 0)
      found.push({ says: `mirrors (${mirrors.value.length})`, evidence: mirrors.source });
    if (insecure !== undefined && insecure.value.length > 0)
      found.push({ says: `insecure registries (${insecure.value.join(", ")})`, evidence: insecure.source });
    const [certificate] = docker.certificates;
    if (certificate !== undefined)
      found.push({ says: "certificates in /etc/docker/certs.d", evidence: fileSource(certificate.path) });
    if (found.length === 0) return;
    const hasRange = insecure?.value.some((one) => /\/\d+$/.test(one)) === true;
    yield {
      says: `Docker knows ${found.map(({ says }) => says).join(", ")}`,
      why: `The new runtime reads none of it: pulls fail on TLS, or go past the mirror${hasRange ? "; address ranges cannot be said elsewhere and become one entry for each registry in use" : ""}.`,
      evidence: found.map(({ evidence }) => evidence),
      fix: {
        summary: "Write hosts.toml files from them.",
        commands: convertCommands,
        links: ["https://github.com/containerd/containerd/blob/main/docs/hosts.md"],
      },
    };
  },
);

export const nodeCredentials = nodeCheck(
  { id: "node-credentials", title: "Registry logins that only Docker reads", severity: "high" },
  function* ({ logins }) {
    for (const { source, inline, helpers } of logins) {
      const path = source.t === "file" ? source.path : "";
      const helped = Object.entries(helpers).map(
        ([registry, name]) => `${registry === "*" ? "all" : registry} by ${name}`,
      );
      const isKubelets = path === "/var/lib/kubelet/config.json";
      if (inline.length === 0 && helped.length === 0) continue;
      // The kubelet goes on reading its own file, but no helpers.
      if (isKubelets && helped.length === 0) continue;
      yield {
        says: `${path} has logins for ${[...inline, ...helped].join(", ")}`,
        why: isKubelets
          ? "The kubelet reads this file, but runs no credential helpers."
          : "The kubelet reads this file only when its HOME says so, which under systemd it does not: pulls that Docker's login made possible are refused.",
        evidence: [source],
        fix: {
          summary:
            "Give pods pull secrets, put the login into /var/lib/kubelet/config.json, or set up a credential provider for the kubelet.",
          commands: [
            "kubectl create secret generic regcred --from-file=.dockerconfigjson=PATH --type=kubernetes.io/dockerconfigjson",
          ],
          links: ["https://kubernetes.io/docs/tasks/administer-cluster/kubelet-credential-provider/"],
        },
      };
    }
  },
);

export const dockerProxy = nodeCheck(
  { id: "docker-proxy", title: "Proxies that are set for Docker only", severity: "high" },
  function* ({ unit, settings }) {
    const found = [...Object.values(unit.proxies), ...(settings.proxies === undefined ? [] : [settings.proxies])];
    if (found.length === 0) return;
    const without = unit.proxies["NO_PROXY"] === undefined && settings.proxies?.value["no-proxy"] === undefined;
    yield {
      says: "Docker pulls through a proxy",
      why: `The new runtime is not told of it: pulls time out${without ? ". There is no NO_PROXY, which must name the ranges of services and pods" : ""}.`,
      evidence: found.map(({ source }) => source),
      fix: {
        summary: "Give the new runtime's unit the same variables, with service and pod ranges in NO_PROXY.",
        commands: convertCommands,
        patch:
          '# /etc/systemd/system/containerd.service.d/http-proxy.conf (ferryd.service.d for Ferry)\n[Service]\nEnvironment="HTTPS_PROXY=http://proxy:3128" "NO_PROXY=localhost,127.0.0.1,10.0.0.0/8,.svc,.cluster.local"\n',
      },
    };
  },
);

export const gpuRuntime = nodeCheck(
  { id: "gpu-runtime", title: "A GPU runtime that is Docker's", severity: "high" },
  function* ({ settings, packages }) {
    const runtimes = settings.runtimes;
    const isDefault = settings["default-runtime"];
    const names = Object.entries(runtimes?.value ?? {}).filter(([name, one]) =>
      /nvidia|amd|habana/.test(`${name} ${one.path ?? ""} ${one.runtimeType ?? ""}`),
    );
    if (names.length === 0 && !/nvidia/.test(isDefault?.value ?? "")) return;
    const toolkit = packages.get("nvidia-container-toolkit");
    yield {
      says: `Docker has the runtime ${names.map(([name]) => name).join(", ")}${isDefault === undefined ? "" : ` (default: ${isDefault.value})`}`,
      why: "Pods with GPUs find neither devices nor libraries where the new runtime does not know it.",
      evidence: [
        ...(runtimes === undefined ? [] : [runtimes.source]),
        ...(isDefault === undefined ? [] : [isDefault.source]),
        ...(toolkit === undefined ? [] : [toolkit.source]),
      ],
      fix: gpuFix,
    };
  },
);

export const ulimits = nodeCheck(
  { id: "ulimits", title: "Limits of open files and processes set for Docker", severity: "high" },
  function* ({ settings, unit }) {
    const defaults = settings["default-ulimits"];
    const limits = Object.values(unit.limits);
    if (defaults === undefined && limits.length === 0) return;
    yield {
      says:
        defaults === undefined
          ? "docker.service has limits of its own"
          : `Docker's default-ulimits are ${Object.keys(defaults.value).join(", ")}`,
      severity: defaults === undefined ? "medium" : "high",
      why: "Containers of other runtimes take their limits from the runtime's unit: databases and proxies may run out of open files.",
      evidence: [...(defaults === undefined ? [] : [defaults.source]), ...limits.map(({ source }) => source)],
      fix: {
        summary: "Give the new runtime's unit the same limits.",
        commands: convertCommands,
        patch:
          "# /etc/systemd/system/containerd.service.d/limits.conf (ferryd.service.d for Ferry)\n[Service]\nLimitNOFILE=1048576\n",
      },
    };
  },
);

export const selinux = nodeCheck(
  { id: "selinux", title: "SELinux labels that Docker was told to set", severity: "medium" },
  function* ({ settings, selinux: mode, packages }) {
    const enabled = settings["selinux-enabled"];
    if (enabled?.value !== true) return;
    yield {
      says: `Docker has selinux-enabled${mode === undefined ? "" : `, the host is ${mode.value}`}`,
      why: "Without enable_selinux the new runtime starts containers without labels, and files with labels are refused to them.",
      evidence: [
        enabled.source,
        ...(mode === undefined ? [] : [mode.source]),
        ...(packages.get("container-selinux") === undefined
          ? []
          : [packages.get("container-selinux")?.source ?? enabled.source]),
      ],
      fix: {
        summary: "Set enable_selinux = true in the CRI configuration, and install container-selinux.",
        commands: [...convertCommands, "dnf install container-selinux"],
      },
    };
  },
);
