import type { TextFacts, Workload } from "../../cluster/cluster-facts.ts";
import type { CheckInfo, ClusterCheck } from "../check.ts";
import type { Finding } from "../finding.ts";
import { matchLines, textFinding } from "../text-lines.ts";
import { workloadFinding } from "../workload-finding.ts";
import { isDockerInDocker } from "./known-images.ts";

const verbs =
  "ps|inspect|exec|logs|build|pull|push|run|rm|rmi|images|tag|login|save|load|restart|stop|start|kill|info|stats|events|cp";
const groups = "system|container|volume|network|image|builder|buildx|compose";
const groupVerbs =
  "ls|list|ps|rm|prune|inspect|df|create|stop|start|up|down|exec|logs|stats|info|build|push|pull|save|load|tag";

/**
 * A docker command, or what changes or restarts Docker on a node. Words of prose behind "docker" are none. A flag's value begins
 * with no dash: what could be read in two ways costs twice as much with each word, and the texts are anybody's.
 */
export const dockerCommand = new RegExp(
  [
    String.raw`(?:^|[\s;&|(\x60"'/=[,])docker(?:\s+-[-\w]+(?:=\S+| [^-\s]\S*)?)*\s+(?:${verbs}|(?:${groups})\s+(?:${groupVerbs}))(?![\w-])`,
    String.raw`\bdocker-compose\s+\w`,
    String.raw`systemctl\s+\S+\s+docker\b`,
    String.raw`service\s+docker\b`,
    String.raw`/etc/docker/daemon\.json`,
  ].join("|"),
);

const info: CheckInfo = {
  id: "docker-commands",
  title: "Pods and scripts that run docker commands on nodes",
  severity: "high",
};

const fix = {
  summary:
    "Say it in the new runtime's words (ferry takes docker's commands as they are; crictl and nerdctl differ): ferry explain shows each.",
  commands: ["ferry explain 'docker ps -a --no-trunc'"],
};

/** In commands of containers, and in ConfigMaps that pods run scripts from. */
export const dockerCommands: ClusterCheck = {
  ...info,
  *find({ workloads, texts }) {
    for (const workload of workloads) {
      // In a pod with a Docker of its own they are for that one.
      if (!workload.shape.containers.some(isDockerInDocker)) yield* commandFindings(workload);
    }
    for (const text of texts) if (text.ref !== undefined) yield* textFindings(text);
  },
};

function* commandFindings(workload: Workload): Generator<Finding> {
  const { shape } = workload;
  for (const { name, command, path, privileged, role } of shape.containers) {
    const text = command.join(" ");
    const reachesHost = shape.hostPid || privileged;
    const match = dockerCommand.exec(text);
    const enters = reachesHost ? /\bnsenter\b|\bchroot\s+\/\S+/.exec(text) : null;
    if (match === null && enters !== null) yield entersFinding(workload, { name, path, excerpt: enters[0] });
    if (match === null || role === "step") continue;
    yield workloadFinding(info, workload, {
      at: [{ path: `${path}.command`, excerpt: match[0].trim() }],
      says: `container ${name} runs ${match[0].trim()}`,
      why: reachesHost
        ? "It is privileged or in the host's PID namespace, so it can run the node's own docker: the command is gone after the move."
        : "It runs docker: without the node's Docker the command has nobody to talk to.",
      fix,
    });
  }
}

/** It may run anything there, the node's docker too. */
function entersFinding(
  workload: Workload,
  { name, path, excerpt }: { name: string; path: string; excerpt: string },
): Finding {
  return workloadFinding(info, workload, {
    at: [{ path: `${path}.command`, excerpt }],
    says: `container ${name} enters the node itself (${excerpt})`,
    severity: "medium",
    why: "What it runs there may call docker, edit daemon.json or restart Docker; from outside it is not seen.",
    fix: { summary: "Look through what it runs on the node.", commands: fix.commands },
  });
}

function* textFindings(text: TextFacts): Generator<Finding> {
  const matches = [...matchLines(text.text, dockerCommand)];
  const [first] = matches;
  if (first === undefined) return;
  yield textFinding(info, text, {
    matches,
    says: `runs ${first.match[0].trim()}${matches.length > 1 ? ` and ${matches.length - 1} more` : ""}`,
    why: "A script with docker commands fails, or silently does nothing, on a node without Docker.",
    fix,
  });
}
