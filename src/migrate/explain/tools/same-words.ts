import type { DockerCommand } from "../docker-command.ts";
import type { Translation } from "./tool.ts";

/** A tool with Docker's own commands and flags, but for some. */
export type SameWords = {
  /** Before the command: `nerdctl -n k8s.io`. */
  readonly program: string;
  /** Commands it lacks, with what to do instead. */
  readonly lacks: Readonly<Record<string, string>>;
  /** Flags it lacks, by command. */
  readonly lostFlags?: Readonly<Record<string, readonly string[]>>;
  readonly notes?: Readonly<Record<string, readonly string[]>>;
};

/** What a tool lacks that leaves all of a swarm to Kubernetes; `why` says so. */
export function lacksSwarm(why: string): SameWords["lacks"] {
  return {
    swarm: why,
    service: why,
    stack: why,
    node: "kubectl get nodes",
    secret: "kubectl create secret",
    config: "kubectl create configmap",
  };
}

/** The command with its words as typed behind another program's name. */
export function sameWords(tool: SameWords, { name, flags, tail }: DockerCommand): Translation {
  const [group = ""] = name.split(" ");
  const lacking = tool.lacks[name] ?? tool.lacks[group];
  if (lacking !== undefined) return { line: undefined, notes: [lacking] };
  const lost = flags.map((flag) => flag.name).filter((flag) => tool.lostFlags?.[name]?.includes(flag) === true);
  return {
    line: [tool.program, name, ...tail.map(({ raw }) => raw)].join(" "),
    notes: [...lost.map((flag) => `--${flag} is not known to it`), ...(tool.notes?.[name] ?? [])],
  };
}
