import type { DaemonSettings } from "../docker-config/decode-daemon-json.ts";
import { decodeDocker } from "../docker-config/decode-docker.ts";
import { parseHumanSize, quantityText } from "../docker-config/human-size.ts";
import type { Fact, Source } from "../host/source.ts";
import { ledgerEntry, type Destination, type LedgerEntry } from "../ledger/ledger.ts";
import type { Conversion } from "./conversion.ts";
import { criDockerdDropIn, criDockerdUnit } from "./cri-dockerd-unit.ts";
import type { DockerHost } from "./docker-host.ts";
import { byPath, crictlFile, kubeletFile, kubeletFragmentPath } from "./node-files.ts";

const endpoint = "unix:///var/run/cri-dockerd.sock";
/** How much later than Docker the kubelet would rotate: so that it never does, as cri-dockerd cannot. */
const rotationMargin = 10;

/**
 * For a node that stays with Docker: Docker reads its own files as before, cri-dockerd is told what dockershim was.
 * `program` is where cri-dockerd is, if not where its packages put it.
 */
export function convertForCriDockerd(host: DockerHost, program?: string): Conversion {
  const { settings, problems, unit } = decodeDocker(host);
  const kubelet = new Map<string, string | number>();
  const ledger: LedgerEntry[] = problems.map(({ key, source, why }) =>
    ledgerEntry("invalid", key, { value: "", source }, { note: why }),
  );
  for (const [key, fact] of Object.entries(settings)) {
    if (key !== "exec-opts" && key !== "log-opts") ledger.push(kept(key, fact));
  }
  ledger.push(...convertCgroup(settings, host, kubelet), ...convertLogs(settings, host, kubelet));
  for (const [name, fact] of Object.entries({ ...unit.proxies, ...unit.limits })) ledger.push(kept(name, fact));
  const flags = host.kubelet.dockershimFlags ?? {};
  const pause = host.kubelet.podInfraContainerImage;
  const moved = Object.entries({ ...flags, ...(pause !== undefined && { "pod-infra-container-image": pause }) });
  const to: Destination[] = [{ file: criDockerdDropIn, key: "ExecStart" }];
  for (const [name, fact] of moved)
    ledger.push(ledgerEntry("kept", `--${name}`, fact, { to, note: "was dockershim's" }));
  const content = criDockerdUnit((name) => flags[name]?.value, pause?.value, program);
  const why = "what the kubelet told Docker, cri-dockerd is told";
  return {
    target: "cri-dockerd",
    files: byPath([{ path: criDockerdDropIn, mode: 0o644, content, why }, kubeletFile(kubelet), crictlFile(endpoint)]),
    ledger,
  };
}

function kept(key: string, fact: Fact<unknown>): LedgerEntry {
  return ledgerEntry("kept", key, fact, { note: "Docker goes on reading it" });
}

type KubeletFields = Map<string, string | number>;

/** cri-dockerd ends when Docker and the kubelet differ. */
function convertCgroup(settings: DaemonSettings, host: DockerHost, fields: KubeletFields): LedgerEntry[] {
  const options = settings["exec-opts"];
  const said = options?.value
    .map((option) => /^native\.cgroupdriver=(systemd|cgroupfs)$/.exec(option)?.[1])
    .find(Boolean);
  const source: Source = options?.source ?? { t: "system", what: "Docker's default" };
  const kubelet = host.kubelet.cgroupDriver;
  // A node that works has both agree, so the kubelet's word tells Docker's default too.
  const driver = said ?? kubelet?.value ?? ((host.cgroupVersion ?? 2) === 2 ? "systemd" : "cgroupfs");
  fields.set("cgroupDriver", driver);
  const isOther = kubelet !== undefined && kubelet.value !== driver;
  const to = [{ file: kubeletFragmentPath, key: "cgroupDriver" }];
  const note = isOther
    ? `kubelet cgroup driver: "${kubelet.value}" is different from docker cgroup driver: "${driver}"; Docker's counts`
    : "Docker goes on reading it; the kubelet must have the same";
  return [
    ledgerEntry(isOther ? "changed" : "kept", "exec-opts.native.cgroupdriver", { value: driver, source }, { to, note }),
  ];
}

/** cri-dockerd cannot reopen a log, so Docker has to rotate, and the kubelet must not come first. */
function convertLogs(settings: DaemonSettings, host: DockerHost, fields: KubeletFields): LedgerEntry[] {
  const options = settings["log-opts"];
  const lines = Object.entries(options?.value ?? {}).map(([name, value]) =>
    kept(`log-opts.${name}`, { value, source: options?.source ?? { t: "system", what: "docker" } }),
  );
  const driver = settings["log-driver"]?.value ?? "json-file";
  if (driver !== "json-file") return lines;
  const bytes = parseHumanSize(options?.value["max-size"] ?? "-1") ?? -1;
  const to = [{ file: kubeletFragmentPath, key: "containerLogMaxSize" }];
  const source: Source = options?.source ?? { t: "file", path: host.daemonJson?.path ?? "/etc/docker/daemon.json" };
  if (bytes > 0) {
    fields.set("containerLogMaxSize", quantityText(bytes * rotationMargin));
    const note = "so large that the kubelet never rotates: docker does not support reopening container log files";
    return [
      ...lines,
      ledgerEntry("changed", "containerLogMaxSize", { value: quantityText(bytes), source }, { to, note }),
    ];
  }
  const note = "nobody rotates: the kubelet tries, and docker does not support reopening container log files";
  const action =
    'set "log-opts": {"max-size": "10m", "max-file": "5"}, and restart Docker; containers made before keep growing';
  return [...lines, ledgerEntry("lost", "log-opts.max-size", { value: "(not set)", source }, { note, action })];
}
