import { shellWord } from "#base/shell-word.ts";
import { knownErrors } from "../../survey/known-errors.ts";
import { dockerCommand } from "../cluster/docker-commands.ts";
import { matchLines } from "../text-lines.ts";
import { fileSource, nodeCheck } from "./node-finding.ts";

const unitOrder = /^\s*(?:After|Requires|Wants|BindsTo|PartOf)=.*\bdocker\.(?:service|socket)\b/;
const socketPath = /docker(?:shim)?\.sock|DOCKER_HOST/;
const scriptRules = new RegExp(`${unitOrder.source}|${socketPath.source}|${dockerCommand.source}`);

export const hostScripts = nodeCheck(
  { id: "host-scripts", title: "Scripts, timers and units that call Docker", severity: "high" },
  function* ({ scripts }) {
    for (const { path, text } of scripts) {
      const lines = [...matchLines(text, scriptRules)];
      const [first] = lines;
      if (first === undefined) continue;
      const isOrder = lines.every((line) => unitOrder.test(line.text));
      const isKubelet = path.includes("kubelet.service");
      yield {
        says: isOrder ? `${path} depends on docker.service` : `${path} calls Docker`,
        severity: isOrder && !isKubelet ? "medium" : "high",
        why: isOrder
          ? isKubelet
            ? "systemd starts Docker again with the kubelet, or does not start the kubelet without it."
            : "systemd starts Docker again with this unit, or does not start it without Docker."
          : "It fails, or does nothing, on a node without Docker; cron tells nobody.",
        evidence: lines.slice(0, 10).map((line) => fileSource(path, line.line, line.text)),
        fix: isOrder
          ? {
              summary: `Take docker.service out of ${path}, or name the new runtime's unit.`,
              commands: [
                `sed -i 's/docker\\.service/containerd.service/g' ${shellWord(path)}`,
                "systemctl daemon-reload",
              ],
            }
          : {
              summary: "Write it in the new runtime's words.",
              commands: [`ferry explain --rewrite ${shellWord(path)}`],
            },
      };
    }
  },
);

export const socketUsers = nodeCheck(
  { id: "socket-users", title: "Processes that are connected to Docker's socket now", severity: "medium" },
  function* ({ socketUsers: users }) {
    const others = users.filter(({ program }) => !/^(?:dockerd|kubelet|systemd|cri-dockerd)$/.test(program));
    if (others.length === 0) return;
    yield {
      says: `${others.map(({ program, pid }) => `${program} (${pid})`).join(", ")} ${others.length === 1 ? "is" : "are"} connected to Docker`,
      why: "They use Docker at this moment: each loses its connection with the move, and others may come by hours.",
      evidence: others.map(({ program, pid, unit }) => ({
        t: "system",
        what: `/proc/${pid}`,
        excerpt: `${program}${unit === undefined ? "" : ` in ${unit}`}`,
      })),
      fix: {
        summary: "Find each by its unit or pod, and give it the new runtime's socket.",
        commands: ["ss -xp src /run/docker.sock"],
      },
    };
  },
);

export const dockerGroup = nodeCheck(
  { id: "docker-group", title: "People who may use Docker without being root", severity: "low" },
  function* ({ dockerGroup: group }) {
    if (group === undefined || group.value.length === 0) return;
    yield {
      says: `${group.value.join(", ")} ${group.value.length === 1 ? "is" : "are"} in the group docker`,
      why: "The sockets of CRI runtimes are root's alone: these users lose their access.",
      evidence: [group.source],
      fix: {
        summary: "Tell them; give sudo for crictl or ferry to those who need it.",
        commands: group.value.slice(0, 10).map((name) => `gpasswd --delete ${shellWord(name)} docker`),
      },
    };
  },
);

export const systemdVersion = nodeCheck(
  { id: "systemd-version", title: "A systemd that takes infinity for a limit", severity: "medium" },
  function* ({ systemdVersion: version }) {
    if (version === undefined || version.value >= 240) return;
    yield {
      says: `systemd is ${version.value}`,
      why: "Before 240 a unit without LimitNOFILE has 1024 open files for all: containerd 2 leaves that to systemd.",
      evidence: [version.source],
      fix: {
        summary: "Set the limit for the new runtime's unit.",
        patch: "[Service]\nLimitNOFILE=1024:524288\n",
        links: ["https://github.com/containerd/containerd/blob/main/docs/containerd-2.0.md"],
      },
    };
  },
);

const conflicts: readonly (readonly [readonly string[], string])[] = [
  [["docker.io", "docker-ce"], "Both are Docker, by Debian and by Docker: an upgrade of one removes the other."],
  [
    ["containerd", "containerd.io"],
    "They are the same program in two packages that exclude each other: to install one removes the other, and Docker with it.",
  ],
  [["runc", "containerd.io"], "containerd.io brings a runc of its own and excludes the distribution's."],
];

export const packageConflicts = nodeCheck(
  { id: "package-conflicts", title: "Packages that fight over Docker's and containerd's files", severity: "medium" },
  function* ({ packages }) {
    for (const [names, why] of conflicts) {
      const found = names.flatMap((name) => packages.get(name) ?? []);
      if (found.length < names.length) continue;
      yield {
        says: `packages ${names.join(" and ")} are both there`,
        why,
        evidence: found.map(({ source }) => source),
        fix: { summary: "Decide for one before the move.", commands: [`apt-cache policy ${names.join(" ")}`] },
      };
    }
    const shim = packages.get("podman-docker");
    if (shim === undefined) return;
    yield {
      says: "docker is podman here (package podman-docker)",
      why: "Scripts that call docker speak to podman's store, where no pod is.",
      evidence: [shim.source],
      fix: {
        summary: "See which of the scripts mean Docker, and remove the package.",
        commands: ["apt-get remove podman-docker"],
      },
    };
  },
);

/** Lines of logs that say what is wrong already. */
export const knownError = nodeCheck(
  { id: "known-error", title: "Messages in the logs of kubelet and runtimes", severity: "medium" },
  function* ({ journal }) {
    for (const { value, source } of journal) {
      const error = knownErrors.find(({ pattern }) => pattern.test(value));
      if (error === undefined) continue;
      yield {
        says: `its logs have the error ${error.id}`,
        severity: "medium",
        why: error.cause,
        evidence: [source],
        fix: error.fix,
      };
    }
  },
);
