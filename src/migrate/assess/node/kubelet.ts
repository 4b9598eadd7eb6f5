import { findFlag, flagSource, type Flag } from "../../host/command-line.ts";
import { flagsRemovedBy } from "../../host/kubelet-flag-table.ts";
import { findKubeletSetting, type KubeletFacts } from "../../host/read-kubelet.ts";
import type { Source } from "../../host/source.ts";
import { fileSource, nodeCheck, type NodeFound } from "./node-finding.ts";

/** Which socket the kubelet asks; up to 1.23, no flag means Docker inside of it. */
export const kubeletEndpoint = nodeCheck(
  { id: "kubelet-endpoint", title: "A kubelet that runs its pods with Docker", severity: "blocker" },
  function* ({ node }) {
    const { kubelet } = node;
    if (kubelet.unit === undefined) return;
    const endpoint = findKubeletSetting(kubelet, {
      flag: "container-runtime-endpoint",
      field: "containerRuntimeEndpoint",
    });
    const runtime = findFlag(kubelet.commandLine, "container-runtime");
    const minor = kubelet.version?.value.minor;
    const fix = {
      summary: "Plan the move of this node; apply sets the endpoint in the file that this layout keeps it in.",
      commands: ["ferry migrate plan --target ferry --out plan.json", "ferry migrate apply --dry-run plan.json"],
      links: [
        "https://kubernetes.io/docs/tasks/administer-cluster/migrating-from-dockershim/find-out-runtime-you-use/",
      ],
    };
    if (endpoint !== undefined && /docker/.test(endpoint.value)) {
      const what = endpoint.value.includes("cri-dockerd") ? "cri-dockerd" : "dockershim";
      yield {
        says: `its kubelet runs pods through ${what}`,
        why: `The endpoint is ${endpoint.value}: all pods of this node are Docker's containers.`,
        evidence: [endpoint.source],
        fix,
      };
    } else if (runtime?.value !== "remote" && endpoint === undefined && minor !== undefined && minor < 24) {
      const [file] = kubelet.unit.files;
      yield {
        says: "its kubelet runs pods through dockershim",
        why: "No flag names a runtime, and a kubelet up to 1.23 then has Docker inside.",
        evidence:
          runtime === undefined
            ? [fileSource(file?.path ?? "kubelet.service", undefined, "no --container-runtime")]
            : [flagSource(runtime)],
        fix,
      };
    }
  },
);

const runtimeFlags = ["container-runtime", "container-runtime-endpoint", "cgroup-driver", "network-plugin"];

/** One flag in several files: the last one counts, and an edit of another does nothing. */
export const kubeletFlagPlaces = nodeCheck(
  { id: "kubelet-flag-places", title: "A runtime flag of the kubelet in several places", severity: "high" },
  function* ({ node }) {
    const { kubelet } = node;
    const flags = kubelet.commandLine?.flags ?? [];
    for (const name of runtimeFlags) {
      const found = flags.filter((flag) => flag.name === name);
      if (found.length > 1) yield placesFound(name, found.map(flagSource));
    }
    yield* runningFindings(kubelet);
    const flag = findFlag(kubelet.commandLine, "container-runtime-endpoint");
    const fields = [...(kubelet.configDirectory?.files ?? []), kubelet.config].flatMap((file) => {
      const field = file?.fields.get("containerRuntimeEndpoint");
      return file === undefined || field === undefined
        ? []
        : [fileSource(file.path, field.line, `containerRuntimeEndpoint: ${field.value}`)];
    });
    if (flag !== undefined && fields.length > 0)
      yield placesFound("container-runtime-endpoint", [flagSource(flag), ...fields]);
  },
);

/** What was edited and not restarted counts from the next start on, whenever that is. */
function* runningFindings({ running, commandLine }: KubeletFacts): Generator<NodeFound> {
  if (running === undefined || commandLine === undefined) return;
  for (const name of runtimeFlags) {
    const flag = findFlag(commandLine, name);
    const now = valueIn(running.value, name);
    if (now === flag?.value) continue;
    yield {
      says: `its kubelet runs with --${name}=${now ?? "(none)"}, its files say ${flag?.value ?? "(none)"}`,
      why: "The files were changed after it was started, or another tool starts it: its next start is a change of its own.",
      evidence: [
        { ...running.source, excerpt: `--${name}=${now ?? ""}` },
        ...(flag === undefined ? [] : [flagSource(flag)]),
      ],
      fix: {
        summary: "Find out which of the two is meant before the move.",
        commands: ["systemctl cat kubelet", "systemctl status kubelet"],
      },
    };
  }
}

/** Of a flag given twice, the last counts. */
function valueIn(argv: readonly string[], name: string): string | undefined {
  const at = argv.findLastIndex((word) => word === `--${name}` || word.startsWith(`--${name}=`));
  const word = argv[at];
  return word === undefined ? undefined : word.includes("=") ? word.slice(word.indexOf("=") + 1) : argv[at + 1];
}

function placesFound(name: string, evidence: readonly Source[]) {
  return {
    says: `--${name} stands in ${evidence.length} places`,
    why: "Of flags the last counts, and a flag counts more than a file: who edits only one of them changes nothing, or half.",
    evidence,
    fix: {
      summary:
        "Keep it in the one place that its tool writes (kubeadm-flags.env or the configuration file), and take the others out.",
    },
  };
}

/** Flags that the kubelet to come refuses to start with. */
export const removedKubeletFlags = nodeCheck(
  { id: "removed-kubelet-flags", title: "Kubelet flags that the target version does not know", severity: "blocker" },
  function* ({ node }, { targetMinor }) {
    const minor = targetMinor ?? node.kubelet.version?.value.minor;
    if (minor === undefined) return;
    const removed = flagsRemovedBy(minor);
    const flags = node.kubelet.commandLine?.flags ?? [];
    for (const flag of flags) {
      const rule = removed.find(({ name }) => name === flag.name);
      if (rule === undefined) continue;
      yield {
        says: `its kubelet is given --${flag.name}, removed in 1.${rule.removed ?? minor}`,
        why: `A kubelet of 1.${minor} ends with "unknown flag: --${flag.name}".`,
        evidence: [flagSource(flag)],
        fix: {
          summary: `Take --${flag.name} out of ${flag.path} when the kubelet is upgraded.`,
          patch: patchOf(flag),
          links: [rule.source],
        },
      };
    }
  },
);

function patchOf(flag: Flag): string {
  const text = `--${flag.name}${flag.value === undefined ? "" : `=${flag.value}`}`;
  return `# ${flag.path}, line ${flag.line}: without\n${text}\n`;
}

/** imagefs moves from Docker's data root to another file system, and its thresholds with it. */
export const evictionThresholds = nodeCheck(
  { id: "eviction-thresholds", title: "Images that move to another file system", severity: "high" },
  function* ({ node, mounts, dataRoot, settings }) {
    const mount = mounts.find(
      ({ value }) =>
        value === dataRoot.path ||
        (value.length > 1 && dataRoot.path.startsWith(`${value}/`) && value !== "/var" && value !== "/var/lib"),
    );
    const moved = settings["data-root"] ?? settings.graph;
    const flag = findFlag(node.kubelet.commandLine, "eviction-hard");
    const config = node.kubelet.config;
    const line = config?.text.split("\n").findIndex((text) => /^\s+imagefs\./.test(text)) ?? -1;
    const thresholds =
      flag?.value?.includes("imagefs") === true
        ? [flagSource(flag)]
        : config !== undefined && line >= 0
          ? [fileSource(config.path, line + 1, config.text.split("\n")[line])]
          : [];
    const place =
      mount?.source ?? (moved !== undefined && moved.value !== "/var/lib/docker" ? moved.source : undefined);
    if (place === undefined) return;
    const disk = mount?.value ?? dataRoot.path;
    yield {
      says: `Docker's images are on a file system of their own (${disk})`,
      severity: thresholds.length > 0 ? "high" : "medium",
      why: "The new runtime keeps its images below /var/lib: there they may not fit, and eviction by imagefs looks at another disk.",
      evidence: [place, ...thresholds],
      fix: {
        summary:
          "Give the new runtime a root on that disk (root in its configuration), or move the disk's mount; look at evictionHard's imagefs values again.",
        patch: `# /etc/ferry/config.toml\n[daemon]\nroot = ${JSON.stringify(`${disk}/ferry`)}\n# /etc/containerd/config.toml\nroot = ${JSON.stringify(`${disk}/containerd`)}\n`,
      },
    };
  },
);

export const windowsEndpoint = nodeCheck(
  { id: "windows-endpoint", title: "A Windows node at Docker's named pipe", severity: "high" },
  function* ({ node }) {
    const endpoint = findKubeletSetting(node.kubelet, {
      flag: "container-runtime-endpoint",
      field: "containerRuntimeEndpoint",
    });
    const docker = findFlag(node.kubelet.commandLine, "docker-endpoint");
    for (const { value, source } of [
      ...(endpoint === undefined ? [] : [endpoint]),
      ...(docker?.value === undefined ? [] : [{ value: docker.value, source: flagSource(docker) }]),
    ]) {
      if (!/^npipe:.*docker/.test(value)) continue;
      yield {
        says: `its kubelet's endpoint is ${value}`,
        why: "It is Docker's named pipe, which no other runtime serves.",
        evidence: [source],
        fix: {
          summary: "Make new Windows nodes with containerd: their endpoint is npipe:////./pipe/containerd-containerd.",
          links: ["https://kubernetes.io/docs/setup/production-environment/container-runtimes/"],
        },
      };
    }
  },
);
