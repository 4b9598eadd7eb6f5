import type { Ulimit } from "../../docker-config/daemon-keys.ts";
import type { Fact } from "../../host/source.ts";
import type { Draft } from "../draft.ts";
import type { Rules } from "./rule.ts";

type IsolationKey =
  | "exec-opts"
  | "default-ulimits"
  | "oom-score-adjust"
  | "selinux-enabled"
  | "seccomp-profile"
  | "userns-remap"
  | "no-new-privileges"
  | "init"
  | "rootless"
  | "default-cgroupns-mode"
  | "cpu-rt-period"
  | "cpu-rt-runtime";

/** What containers may do and use. */
export const isolationRules: Rules<IsolationKey> = {
  "exec-opts": (fact, draft) => {
    for (const option of fact.value) convertExecOption(option, fact, draft);
  },
  "default-ulimits": (fact, draft) => {
    for (const [name, limit] of Object.entries(fact.value)) {
      convertUlimit(name, { value: limit, source: fact.source }, draft);
    }
  },
  "oom-score-adjust": (fact, draft, key) => {
    const to = draft.put("oomScore", fact.value) ?? draft.putDropIn("limits.conf", `OOMScoreAdjust=${fact.value}`);
    draft.record("kept", key, fact, { to: [to], note: "of the daemon itself" });
  },
  "selinux-enabled": (fact, draft, key) => {
    if (!fact.value) draft.record("unneeded", key, fact, { note: "off, as by default" });
    else {
      const note = "the host needs container-selinux";
      draft.keep("selinux", true, { key, fact, note, action: "containers run without an SELinux label" });
    }
  },
  "seccomp-profile": convertSeccomp,
  "userns-remap": (fact, draft, key) =>
    draft.record(fact.value === "" ? "unneeded" : "lost", key, fact, {
      note: "there is no mapping of user ids for a whole node; files of volumes belong to the mapped ids",
      action: "give pods hostUsers: false (Kubernetes 1.30, containerd 2.0), and chown their volumes",
    }),
  "no-new-privileges": (fact, draft, key) =>
    lostWhen(fact.value, { fact, draft, key }, "set allowPrivilegeEscalation: false in the pods"),
  init: (fact, draft, key) =>
    lostWhen(fact.value, { fact, draft, key }, "set shareProcessNamespace: true where a pod leaves zombies behind"),
  rootless: (fact, draft, key) =>
    lostWhen(fact.value, { fact, draft, key }, "a kubelet's runtime runs as root; see the kubelet's user namespaces"),
  "default-cgroupns-mode": (fact, draft, key) => {
    const expected = draft.host.cgroupVersion === 1 ? "host" : "private";
    if (fact.value === expected) draft.record("unneeded", key, fact, { note: "the runtime's way too" });
    else {
      draft.record("lost", key, fact, {
        note: `pods' containers get ${expected === "private" ? "a cgroup namespace of their own" : "the host's"}`,
        action: "look for containers that read /sys/fs/cgroup of the host",
      });
    }
  },
  "cpu-rt-period": lostRealtime,
  "cpu-rt-runtime": lostRealtime,
};

function lostWhen(on: boolean, at: { fact: Fact<unknown>; draft: Draft; key: string }, action: string): void {
  const { fact, draft, key } = at;
  if (on) draft.record("lost", key, fact, { note: "there is no default for all containers of a node", action });
  else draft.record("unneeded", key, fact, { note: "off, as by default" });
}

function lostRealtime(fact: Fact<number>, draft: Draft, key: string): void {
  if (fact.value === 0) draft.record("unneeded", key, fact, { note: "0, as by default" });
  else {
    draft.record("lost", key, fact, {
      note: "no CRI runtime shares out the real-time scheduler",
      action: "write cpu.rt_runtime_us of the pods' parent cgroup from a unit of your own",
    });
  }
}

function convertExecOption(option: string, fact: Fact<unknown>, draft: Draft): void {
  const [name = "", value = ""] = option.split("=", 2).map((part) => part.trim());
  const line = { value, source: fact.source };
  const key = `exec-opts.${name}`;
  if (name !== "native.cgroupdriver" || !/^(systemd|cgroupfs)$/.test(value)) {
    draft.record("invalid", key, line, { note: `invalid exec-opt (${option})` });
    return;
  }
  const kubelet = draft.host.kubelet.cgroupDriver;
  const isSplit = kubelet !== undefined && kubelet.value !== value;
  draft.record("kept", key, line, {
    to: cgroupDestinations(draft, value),
    note: isSplit
      ? `the kubelet says ${kubelet.value}: Docker's counts, as its pods run with it, and the kubelet is told so`
      : "on every handler, and the same for the kubelet",
  });
}

/** Who makes cgroups, for the runtime and for the kubelet. */
export function cgroupDestinations(draft: Draft, driver: string) {
  draft.systemdCgroup = driver === "systemd";
  const runtimes = draft.place("runtimes");
  const place =
    draft.put("cgroupDriver", driver) ??
    (runtimes === undefined ? undefined : { ...runtimes, key: `${runtimes.key}.*.options.SystemdCgroup` });
  return [place, draft.putKubelet("cgroupDriver", driver)];
}

const ulimits = "as core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack";
const knownUlimits: ReadonlySet<string> = new Set(ulimits.split(" "));

/** Containers inherit the daemon's limits. Source: systemd.exec(5), setrlimit(2). */
function convertUlimit(name: string, fact: Fact<Ulimit>, draft: Draft): void {
  const key = `default-ulimits.${name}`;
  if (!knownUlimits.has(name)) {
    draft.record("invalid", key, fact, { note: `invalid ulimit type: ${name}` });
    return;
  }
  const { soft, hard } = fact.value;
  const line = `Limit${name.toUpperCase()}=${limitText(soft)}:${limitText(hard)}`;
  draft.record("changed", key, fact, {
    to: [draft.putDropIn("limits.conf", line)],
    // Node raises RLIMIT_NOFILE of itself and so of all it starts, as Go did up to 1.20.
    note:
      name === "nofile" && draft.spec.target === "ferry"
        ? "containers inherit the hard one, as soft one too: the daemon's start raises it"
        : "containers inherit it from the daemon, whose own limit it is now too",
  });
}

function limitText(limit: number): string {
  return limit === -1 ? "infinity" : String(limit);
}

function convertSeccomp(fact: Fact<string>, draft: Draft, key: string): void {
  if (fact.value === "" || fact.value === "builtin" || fact.value === "default") {
    draft.record("unneeded", key, fact, { note: "the runtime has its own default profile" });
    return;
  }
  if (fact.value !== "unconfined" && draft.place("seccompProfile") !== undefined) {
    draft.keep("seccompProfile", fact.value, { key, fact, note: "in place of the default profile" });
    return;
  }
  draft.record("lost", key, fact, {
    note: "pods with RuntimeDefault get the runtime's own profile; those without a profile stay unconfined, as they were",
    action:
      fact.value === "unconfined"
        ? "give pods that need it seccompProfile: Unconfined"
        : "copy it to /var/lib/kubelet/seccomp and give pods seccompProfile: Localhost",
  });
}
