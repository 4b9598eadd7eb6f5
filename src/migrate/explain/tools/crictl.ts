import { lookUp } from "#base/look-up.ts";
import type { DockerCommand, UsedFlag } from "../docker-command.ts";
import { isIdLike, parsePodName } from "../pod-name.ts";
import type { Word } from "../shell-commands.ts";
import { mapWords, type MappedCommand } from "./mapped-words.ts";
import type { Tool } from "./tool.ts";

const newIds = "ids are the new runtime's: one that was noted down under Docker names nothing any more";
const kubelets = "the kubelet starts a pod's container again, under any runtime";

/** crictl takes ids only: a name becomes a question for one. */
function containers({ args }: DockerCommand): string[] {
  return args.map(idOf);
}

function firstContainer({ args: [first, ...rest] }: DockerCommand): string[] {
  return [...(first === undefined ? [] : [idOf(first)]), ...rest.map(({ raw }) => raw)];
}

function idOf(word: Word): string {
  if (isIdLike(word)) return word.raw;
  const pod = parsePodName(word.text);
  return `$(crictl ps -q ${pod === undefined ? `--name ${word.raw}` : podLabels(pod).join(" ")})`;
}

function podLabels({ container, pod, namespace }: NonNullable<ReturnType<typeof parsePodName>>): string[] {
  return [
    ...(container === undefined ? [] : [`--label io.kubernetes.container.name=${container}`]),
    ...(pod === undefined ? [] : [`--label io.kubernetes.pod.name=${pod}`]),
    ...(namespace === undefined ? [] : [`--label io.kubernetes.pod.namespace=${namespace}`]),
  ];
}

const states: Readonly<Record<string, string>> = { running: "Running", exited: "Exited", created: "Created" };

/** `--filter key=value` of `docker ps`. */
function psFilter({ value }: UsedFlag) {
  const [key = "", ...rest] = (value?.text ?? "").split("=");
  const wanted = rest.join("=");
  const pod = key === "name" ? parsePodName(wanted.replace(/^\^?\/?/, "")) : undefined;
  if (pod !== undefined) return { words: podLabels(pod) };
  if (key === "name") return { words: ["--name", wanted] };
  if (key === "id") return { words: ["--id", wanted] };
  if (key === "label") return { words: ["--label", wanted] };
  if (key === "ancestor") return { words: ["--image", wanted] };
  const state = key === "status" ? lookUp(states, wanted) : undefined;
  if (state !== undefined) return { words: ["--state", state] };
  return { note: `--filter ${value?.raw ?? ""} has no counterpart` };
}

/** Fields of Docker's inspect and where CRI's answer has them. */
const fields: Readonly<Record<string, string>> = {
  "{{.State.Pid}}": "{{.info.pid}}",
  "{{.State.Status}}": "{{.status.state}}",
  "{{.State.ExitCode}}": "{{.status.exitCode}}",
  "{{.State.StartedAt}}": "{{.status.startedAt}}",
  "{{.Id}}": "{{.status.id}}",
  "{{.Name}}": "{{.status.metadata.name}}",
  "{{.Image}}": "{{.status.imageRef}}",
  "{{.Config.Image}}": "{{.status.image.image}}",
  "{{.LogPath}}": "{{.status.logPath}}",
  "{{.RestartCount}}": "{{.status.metadata.attempt}}",
};

function inspectFormat({ value }: UsedFlag) {
  const field = lookUp(fields, value?.text ?? "");
  if (field !== undefined) return { words: ["-o", "go-template", "--template", `'${field}'`] };
  return { note: `--format ${value?.raw ?? ""}: fields have other names: crictl inspect ID | jq .` };
}

function execArgs(command: DockerCommand): string[] {
  const [container = "", ...rest] = firstContainer(command);
  const variables = command.flags.filter(({ name }) => name === "env").map(({ value }) => value?.raw ?? "");
  return [container, ...(variables.length > 0 ? ["env", ...variables] : []), ...rest];
}

const none = (note: string): MappedCommand => ({ notes: [note] });
const pods = none("pods are made by the kubelet: kubectl run, or a manifest in /etc/kubernetes/manifests");
const networks = none("a pod's network is CNI's: /etc/cni/net.d; its address: crictl inspectp POD");
const volumes = none("volumes are Kubernetes': kubectl get pv,pvc");
const builds = none("crictl does not build: nerdctl -n k8s.io build, buildah, or a builder in the cluster");

/** Source: cri-tools docs/crictl.md and `crictl COMMAND --help`. */
const rules: Readonly<Record<string, MappedCommand>> = {
  ps: {
    words: "ps",
    flags: {
      all: "-a",
      quiet: "-q",
      "no-trunc": "--no-trunc",
      last: "--last",
      latest: "--latest",
      filter: psFilter,
      format: () => ({ note: "--format: crictl has -o json, yaml and table" }),
    },
    notes: ["pause containers are no containers here: crictl pods lists sandboxes"],
  },
  inspect: {
    words: "inspect",
    flags: { format: inspectFormat },
    args: containers,
    notes: ["the answer is CRI's status, with the OCI spec below .info"],
  },
  "image inspect": { words: "inspecti", flags: { format: inspectFormat } },
  logs: {
    words: "logs",
    flags: { follow: "-f", tail: "--tail", since: "--since", timestamps: "-t" },
    args: containers,
    notes: [
      "only the newest file: rotated ones are in /var/log/pods",
      "-p shows the container before the last restart",
    ],
  },
  exec: {
    words: "exec",
    flags: { interactive: "-i", tty: "-t", env: () => ({}) },
    args: execArgs,
  },
  attach: { words: "attach", flags: {}, args: containers, notes: ["-i -t for a terminal"] },
  top: none("crictl exec CONTAINER ps, where the image has ps"),
  stats: {
    words: "stats",
    flags: { all: "-a" },
    without: ["no-stream"],
    args: ({ args }) => args.flatMap((arg) => ["--id", idOf(arg)]),
    notes: ["memory is the working set, as the kubelet counts it"],
  },
  start: { words: "start", args: containers },
  stop: { words: "stop", flags: { time: "--timeout", timeout: "--timeout" }, args: containers, notes: [kubelets] },
  kill: { words: "stop --timeout 0", without: ["signal"], args: containers, notes: ["SIGKILL only", kubelets] },
  restart: { words: "stop", flags: { time: "--timeout", timeout: "--timeout" }, args: containers, notes: [kubelets] },
  pause: none("CRI cannot pause: nerdctl -n k8s.io pause"),
  unpause: none("CRI cannot pause: nerdctl -n k8s.io unpause"),
  wait: none("kubectl wait --for=…, or poll crictl inspect"),
  rename: none("pods' containers are named by the kubelet"),
  update: {
    words: "update",
    flags: {
      "cpu-period": "--cpu-period",
      "cpu-quota": "--cpu-quota",
      "cpu-shares": "--cpu-share",
      "cpuset-cpus": "--cpuset-cpus",
      "cpuset-mems": "--cpuset-mems",
      memory: "--memory",
    },
    args: containers,
    notes: ["memory is in bytes"],
  },
  rm: { words: "rm", flags: { force: "-f" }, without: ["volumes"], args: containers, notes: [kubelets] },
  run: pods,
  create: pods,
  cp: none("kubectl cp NAMESPACE/POD:/path ./path -c CONTAINER"),
  diff: none("nerdctl -n k8s.io diff"),
  commit: none("nerdctl -n k8s.io commit"),
  export: none("nerdctl -n k8s.io export"),
  port: none("crictl inspectp POD, or kubectl get pod -o yaml"),
  images: {
    words: "images",
    flags: { quiet: "-q", digests: "--digests", "no-trunc": "--no-trunc" },
    without: ["all"],
    notes: ["the id is Docker's image id; sizes are of what is downloaded, Docker's of what is unpacked"],
  },
  history: none("ferry history, or nerdctl -n k8s.io history"),
  pull: {
    words: "pull",
    without: ["quiet"],
    notes: ["credentials are not those of docker login: --creds USER:PASSWORD, or the runtime's registry settings"],
  },
  push: none("nerdctl -n k8s.io push, or ctr -n k8s.io images push"),
  tag: none("ctr -n k8s.io images tag SOURCE TARGET"),
  rmi: { words: "rmi", without: ["force"], notes: ["removes all names of the image"] },
  "image prune": {
    words: "rmi --prune",
    without: ["all", "force"],
    notes: ["removes every image without a container, as --all does; the kubelet collects images too"],
  },
  "system prune": {
    words: "rmi --prune",
    without: ["all", "force", "volumes"],
    notes: ["images only; the kubelet removes dead containers by itself"],
  },
  "system df": { words: "imagefsinfo", without: ["verbose"] },
  save: none("ctr -n k8s.io images export FILE IMAGE"),
  load: none("ctr -n k8s.io images import FILE"),
  import: none("ctr -n k8s.io images import takes image archives, not trees: build an image from the tree"),
  login: none("registry credentials are the runtime's (certs.d) or imagePullSecrets"),
  logout: none("registry credentials are the runtime's (certs.d) or imagePullSecrets"),
  events: { words: "events", notes: ["containers' life only, in CRI's words"] },
  info: { words: "info", without: ["format"] },
  version: { words: "version", without: ["format"] },
  build: builds,
  "buildx build": builds,
  compose: none("kompose convert makes manifests of compose files"),
};

const groups: Readonly<Record<string, MappedCommand>> = { network: networks, volume: volumes };

export const crictl: Tool = (command) => {
  const rule = lookUp(rules, command.name) ?? lookUp(groups, command.name.split(" ")[0] ?? "");
  const { line, notes } = mapWords("crictl", rule, command);
  const namesContainers = line !== undefined && rule?.args !== undefined && command.args.length > 0;
  return { line, notes: namesContainers ? [...notes, newIds] : notes };
};
