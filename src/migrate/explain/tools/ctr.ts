import { lookUp } from "#base/look-up.ts";
import type { DockerCommand } from "../docker-command.ts";
import { mapWords, type MappedCommand } from "./mapped-words.ts";
import type { Tool } from "./tool.ts";

const none = (note: string): MappedCommand => ({ notes: [note] });
const fullNames = "image names are written in full: docker.io/library/nginx:1.27";

/** Docker's short names are docker.io's. */
function imageNames({ args }: DockerCommand): string[] {
  return args.map(({ raw, text }) => (text === undefined ? raw : fullName(text)));
}

export function fullName(name: string): string {
  const [first = "", ...rest] = name.split("/");
  const hasHost = rest.length > 0 && (/[.:]/.test(first) || first === "localhost");
  const path = hasHost ? name : rest.length > 0 ? `docker.io/${name}` : `docker.io/library/${name}`;
  return /[:@][^/]*$/.test(path.slice(path.lastIndexOf("/"))) ? path : `${path}:latest`;
}

/** Source: `ctr COMMAND --help` of containerd 1.6 and 2.1. */
const rules: Readonly<Record<string, MappedCommand>> = {
  ps: {
    words: "containers ls",
    flags: { quiet: "-q" },
    without: ["all", "no-trunc", "size"],
    args: () => [],
    notes: [
      "containers with and without a process; those with one: ctr -n k8s.io tasks ls",
      "filters: 'labels.\"io.kubernetes.pod.name\"==web-0'",
    ],
  },
  inspect: { words: "containers info", without: ["format"] },
  "image inspect": {
    words: "images inspect",
    without: ["format"],
    notes: ["from containerd 2.0 on; before: ctr -n k8s.io content get DIGEST"],
  },
  logs: none("containerd keeps no logs: /var/log/pods/NAMESPACE_POD_UID/CONTAINER/, or crictl logs"),
  exec: {
    words: "tasks exec --exec-id $RANDOM",
    flags: { tty: "-t", workdir: "--cwd", user: "--user", detach: "-d" },
    without: ["interactive"],
    notes: ["each exec needs an id of its own"],
  },
  attach: { words: "tasks attach" },
  top: { words: "tasks ps" },
  stats: { words: "tasks metrics", without: ["no-stream"] },
  start: { words: "tasks start" },
  stop: {
    words: "tasks kill -s SIGTERM",
    without: ["time", "timeout"],
    notes: ["nothing waits, and nothing kills afterwards"],
  },
  kill: { words: "tasks kill", flags: { signal: "-s" } },
  pause: { words: "tasks pause" },
  unpause: { words: "tasks resume" },
  rm: {
    words: "containers rm",
    without: ["volumes"],
    flags: { force: () => ({ note: "kill and remove the task first: ctr -n k8s.io tasks rm -f ID" }) },
  },
  run: {
    words: "run",
    flags: {
      rm: "--rm",
      tty: "-t",
      detach: "-d",
      env: "--env",
      workdir: "--cwd",
      user: "--user",
      privileged: "--privileged",
      "read-only": "--read-only",
      label: "--label",
      runtime: "--runtime",
    },
    without: ["interactive", "name"],
    args: (command) => {
      const [image = "", ...rest] = imageNames({ ...command, args: command.args.slice(0, 1) });
      const name = command.flags.find((flag) => flag.name === "name")?.value?.raw ?? "NAME";
      return [image, name, ...rest, ...command.args.slice(1).map(({ raw }) => raw)];
    },
    notes: ["the image must be there already, and there is no network unless --net-host or --cni is given", fullNames],
  },
  cp: none("ctr -n k8s.io snapshots mount DIRECTORY KEY, then cp"),
  diff: { words: "snapshots diff" },
  images: { words: "images ls", flags: { quiet: "-q" }, without: ["all", "digests", "no-trunc"] },
  pull: {
    words: "images pull",
    without: ["quiet"],
    flags: { platform: "--platform" },
    args: imageNames,
    notes: ["not the CRI's registry settings: --hosts-dir /etc/containerd/certs.d, --user USER:PASSWORD", fullNames],
  },
  push: { words: "images push", args: imageNames, notes: [fullNames] },
  tag: { words: "images tag", args: imageNames, notes: [fullNames] },
  rmi: { words: "images rm", without: ["force", "no-prune"], args: imageNames, notes: [fullNames] },
  "image prune": { words: "images prune", without: ["force"], flags: { all: "--all" } },
  "system df": { words: "snapshots usage", without: ["verbose"] },
  save: {
    words: "images export",
    args: (command) => [command.flags.find(({ name }) => name === "output")?.value?.raw ?? "-", ...imageNames(command)],
    without: ["output"],
    notes: [fullNames],
  },
  load: {
    words: "images import",
    without: ["input", "quiet"],
    args: ({ flags }) => [flags.find(({ name }) => name === "input")?.value?.raw ?? "-"],
    notes: ["-n k8s.io, or the kubelet does not see the image"],
  },
  events: { words: "events", notes: ["containerd's topics: /tasks/start, /tasks/exit"] },
  info: { words: "info", without: ["format"] },
  version: { words: "version", without: ["format"] },
  "checkpoint create": { words: "tasks checkpoint" },
};

export const ctr: Tool = (command) => mapWords("ctr -n k8s.io", lookUp(rules, command.name), command);
