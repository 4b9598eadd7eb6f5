import { convertCommands } from "../fix-texts.ts";
import { findFlag, flagSource } from "../../host/command-line.ts";
import type { Source } from "../../host/source.ts";
import { matchLines } from "../text-lines.ts";
import { fileSource, nodeCheck } from "./node-finding.ts";

const modules = ["overlay", "br_netfilter"];
const sysctls = ["net.ipv4.ip_forward", "net.bridge.bridge-nf-call-iptables"];

/** What dockerd does at each start and nobody else: a node without it works until its next boot. */
export const kernelSettings = nodeCheck(
  { id: "kernel-settings", title: "Kernel modules and settings that only Docker sees to", severity: "high" },
  function* ({ node }) {
    const { kernel, docker } = node;
    if (docker === undefined) return;
    const lackingModules = modules.filter((name) => !kernel.modules.has(name));
    const lackingValues = sysctls.filter((name) => kernel.sysctls.get(name) !== "1");
    if (lackingModules.length === 0 && lackingValues.length === 0) return;
    yield {
      says: `nothing sets ${[...lackingModules, ...lackingValues].join(", ")} at boot`,
      why: "dockerd loads and sets them when it starts; without it pods lose their network with the next boot, not before.",
      evidence: [
        fileSource("/etc/modules-load.d", undefined, `lacks ${lackingModules.join(", ")}`),
        fileSource("/etc/sysctl.d", undefined, `lacks ${lackingValues.join(", ")}`),
      ],
      fix: {
        summary: "Set them in files of their own.",
        patch: `# /etc/modules-load.d/containers.conf\n${modules.join("\n")}\n# /etc/sysctl.d/99-containers.conf\n${sysctls.map((name) => `${name} = 1`).join("\n")}\nnet.bridge.bridge-nf-call-ip6tables = 1\n`,
        commands: ["modprobe -a overlay br_netfilter", "sysctl --system"],
        links: ["https://kubernetes.io/docs/setup/production-environment/container-runtimes/"],
      },
    };
  },
);

export const firewallLeftovers = nodeCheck(
  { id: "firewall-leftovers", title: "Docker's chains, bridges and forwarding policy", severity: "high" },
  function* ({ firewall, interfaces }) {
    const rules = [...matchLines(firewall ?? "", /^-A DOCKER-USER (?!-j RETURN)/)];
    const chains = [
      ...matchLines(firewall ?? "", /^:(?:DOCKER|DOCKER-USER|DOCKER-ISOLATION-STAGE-[12]|DOCKER-FORWARD)\b/),
    ];
    const drops = [...matchLines(firewall ?? "", /^:FORWARD DROP\b/)];
    const source = (line: { text: string }): Source => ({
      t: "system",
      what: "iptables-save",
      excerpt: line.text.slice(0, 200),
    });
    if (rules.length > 0) {
      yield {
        says: `${rules.length} rules of its own are in DOCKER-USER`,
        why: "That chain is asked only as long as Docker's rules are there: after the next boot nothing filters.",
        evidence: rules.map(source),
        fix: {
          summary: "Put these rules into FORWARD, or into the host's firewall.",
          commands: rules.slice(0, 5).map(({ text }) => text.replace("-A DOCKER-USER", "iptables -I FORWARD")),
        },
      };
    }
    const links = interfaces.filter((name) => name === "docker0" || /^br-[0-9a-f]{12}$/.test(name));
    if (chains.length === 0 && links.length === 0) return;
    yield {
      says: `Docker's ${[...(chains.length > 0 ? ["chains"] : []), ...links].join(", ")} are there${drops.length > 0 ? ", and FORWARD drops" : ""}`,
      severity: drops.length > 0 ? "high" : "low",
      why:
        drops.length > 0
          ? "The policy of FORWARD stays DROP when Docker goes, and pods' traffic is dropped with it."
          : "They stay behind when Docker goes.",
      evidence: [...drops, ...chains].map(source).concat(links.map((name) => fileSource(`/sys/class/net/${name}`))),
      fix: {
        summary: "Sweep them once Docker is off, and boot once; ferry migrate apply does.",
        commands: ["iptables -P FORWARD ACCEPT", ...links.map((name) => `ip link delete ${name}`)],
      },
    };
  },
);

/** The kubelet's CNI directories become the runtime's own settings. */
export const cniDirectories = nodeCheck(
  { id: "cni-directories", title: "CNI directories that only the kubelet was told of", severity: "blocker" },
  function* ({ node }) {
    for (const [name, usual] of [
      ["cni-conf-dir", "/etc/cni/net.d"],
      ["cni-bin-dir", "/opt/cni/bin"],
    ] as const) {
      const flag = findFlag(node.kubelet.commandLine, name);
      if (flag?.value === undefined || flag.value === usual) continue;
      yield {
        says: `its CNI ${name === "cni-conf-dir" ? "configuration" : "plugins"} are in ${flag.value}`,
        why: `The flag is dockershim's: a runtime that is not told looks in ${usual} and finds nothing.`,
        evidence: [flagSource(flag)],
        fix: {
          summary: "Name the directories in the runtime's configuration.",
          commands: convertCommands,
          patch: cniPatch(name, flag.value),
        },
      };
    }
  },
);

function cniPatch(flag: "cni-conf-dir" | "cni-bin-dir", directory: string): string {
  const isConfiguration = flag === "cni-conf-dir";
  const path = JSON.stringify(directory);
  const containerd = `${isConfiguration ? "conf_dir" : "bin_dir"} = ${path}`;
  const ferry = isConfiguration ? `[cri]\ncni_conf_dir = ${path}` : `[network]\nplugin_directories = [${path}]`;
  return `# /etc/containerd/config.toml, version 2\n[plugins."io.containerd.grpc.v1.cri".cni]\n${containerd}\n\n# /etc/ferry/config.toml\n${ferry}\n`;
}
