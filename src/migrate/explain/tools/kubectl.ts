import { lookUp } from "#base/look-up.ts";
import type { DockerCommand } from "../docker-command.ts";
import { parsePodName } from "../pod-name.ts";
import { mapWords, type MappedCommand } from "./mapped-words.ts";
import type { Tool } from "./tool.ts";

const none = (note: string): MappedCommand => ({ notes: [note] });

/** `-n NAMESPACE POD -c CONTAINER`, from a name that has them, else words to fill in. */
function podWords({ args: [first] }: DockerCommand): string[] {
  const { namespace = "NAMESPACE", pod = "POD", container = "CONTAINER" } = parsePodName(first?.text) ?? {};
  return ["-n", namespace, pod, "-c", container];
}

function podOnly(command: DockerCommand): string[] {
  return podWords(command).slice(0, 3);
}

const images = none("images are each node's: crictl images");
const restarted = "what owns the pod makes another one";

/** Source: kubernetes.io/docs/reference/kubectl. */
const rules: Readonly<Record<string, MappedCommand>> = {
  ps: {
    words: "get pods -A -o wide --field-selector spec.nodeName=$(hostname)",
    without: ["all", "no-trunc", "size"],
    flags: {
      quiet: "-o name",
      filter: () => ({ note: "filters: -l key=value, --field-selector status.phase=Running" }),
    },
    args: () => [],
    notes: ["pods, not containers, and of one node only by the selector"],
  },
  inspect: {
    words: "get pod -o yaml",
    without: ["format"],
    args: podOnly,
    notes: ["-o jsonpath='{.status.podIP}' for one field"],
  },
  logs: {
    words: "logs",
    flags: {
      follow: "-f",
      tail: "--tail",
      timestamps: "--timestamps",
      since: ({ value }) =>
        /^\d+[smh]/.test(value?.text ?? "")
          ? { words: ["--since", value?.raw ?? ""] }
          : { words: ["--since-time", value?.raw ?? ""] },
    },
    args: podWords,
    notes: ["--previous shows the container before the last restart"],
  },
  exec: {
    words: "exec",
    flags: { interactive: "-i", tty: "-t", env: () => ({}) },
    args: (command) => {
      const variables = command.flags.filter(({ name }) => name === "env").map(({ value }) => value?.raw ?? "");
      const words = command.args.slice(1).map(({ raw }) => raw);
      return [...podWords(command), "--", ...(variables.length > 0 ? ["env", ...variables] : []), ...words];
    },
  },
  attach: { words: "attach -it", args: podWords },
  top: {
    words: "exec",
    args: (command) => [...podWords(command), "--", "ps", "aux"],
    notes: ["where the image has ps"],
  },
  stats: {
    words: "top pod -A --containers",
    without: ["no-stream", "all"],
    args: () => [],
    notes: ["needs metrics-server"],
  },
  restart: {
    words: "delete pod",
    without: ["time", "timeout"],
    args: podOnly,
    notes: [restarted, "a whole workload: kubectl rollout restart deployment/NAME"],
  },
  stop: {
    words: "delete pod",
    flags: { time: "--grace-period", timeout: "--grace-period" },
    args: podOnly,
    notes: [restarted, "for good: kubectl scale --replicas=0"],
  },
  kill: { words: "delete pod --grace-period=0 --force", without: ["signal"], args: podOnly, notes: [restarted] },
  rm: {
    words: "delete pod",
    flags: { force: "--grace-period=0 --force" },
    without: ["volumes"],
    args: podOnly,
    notes: [restarted],
  },
  wait: { words: "wait --for=condition=Ready=false pod", args: podOnly },
  run: {
    words: "run",
    flags: {
      rm: "--rm",
      interactive: "-i",
      tty: "-t",
      env: "--env",
      privileged: "--privileged",
      label: "--labels",
      publish: () => ({ note: "--publish: kubectl port-forward, or a Service" }),
    },
    without: ["detach", "name"],
    args: ({ args: [image, ...rest], flags }) => {
      const name = flags.find((flag) => flag.name === "name")?.value?.raw ?? "NAME";
      const tail = rest.length > 0 ? ["--", ...rest.map(({ raw }) => raw)] : [];
      return [name, `--image=${image?.raw ?? "IMAGE"}`, "--restart=Never", ...tail];
    },
    notes: ["the pod may land on another node"],
  },
  cp: {
    words: "cp",
    without: ["archive", "follow-link", "quiet"],
    args: ({ args }) =>
      args.map(({ raw, text }) => {
        const [container = "", path] = (text ?? raw).split(":");
        const { namespace = "NAMESPACE", pod = "POD" } = parsePodName(container) ?? {};
        return path === undefined ? raw : `${namespace}/${pod}:${path}`;
      }),
    notes: ["-c CONTAINER for other containers than the first; the image needs tar"],
  },
  port: { words: "port-forward", args: (command) => [...podOnly(command), "LOCAL:REMOTE"] },
  events: { words: "get events -A --watch", without: ["format"] },
  info: { words: "describe node $(hostname)", without: ["format"] },
  version: { words: "version", without: ["format"] },
  images,
  rmi: images,
  "image prune": none("the kubelet collects images by itself: imageGCHighThresholdPercent"),
  "system prune": none("the kubelet collects images and dead containers by itself"),
  "system df": none("kubectl get --raw /api/v1/nodes/NODE/proxy/stats/summary"),
  pull: none("a pod with the image pulls it; on every node: a DaemonSet"),
  login: {
    words: "create secret docker-registry NAME",
    flags: { username: "--docker-username", password: "--docker-password" },
    args: ({ args: [server] }) => (server === undefined ? [] : [`--docker-server=${server.raw}`]),
    notes: ["and imagePullSecrets in the pod or its service account"],
  },
  secret: { words: "get secrets" },
  config: { words: "get configmaps" },
  node: { words: "get nodes" },
  service: none("kubectl get deployments,services"),
  stack: none("kubectl apply -f DIRECTORY"),
  compose: none("kompose convert makes manifests of compose files"),
  "volume ls": { words: "get pvc -A", without: ["quiet", "filter"] },
};

export const kubectl: Tool = (command) => mapWords("kubectl", lookUp(rules, command.name), command);
