import { isDaemonKey } from "../docker-config/daemon-keys.ts";
import { decodeDocker } from "../docker-config/decode-docker.ts";
import type { DockerUnit } from "../docker-config/decode-docker-unit.ts";
import { readBase } from "./base-config.ts";
import type { Conversion, ConvertedFile } from "./conversion.ts";
import type { DockerHost } from "./docker-host.ts";
import { Draft } from "./draft.ts";
import { byPath, crictlFile, kubeletFile } from "./node-files.ts";
import { applyRule } from "./rules/all-rules.ts";
import { convertProxy } from "./rules/daemon.ts";
import { putHandlers } from "./rules/handlers.ts";
import { cgroupDestinations } from "./rules/isolation.ts";
import { convertLogins } from "./rules/logins.ts";
import { moveOldRegistries } from "./rules/old-registries.ts";
import { copyCertificates } from "./rules/registries.ts";
import type { TargetSpec } from "./target-spec.ts";
import { formatToml, getIn, setIn } from "../toml/toml-tree.ts";

/**
 * What a host's Docker was told, as configuration of the runtime that takes its place, and a line for each key.
 *
 * Pure: the same host gives the same files. Keys that Docker itself would refuse are `invalid` in the ledger and convert
 * to nothing.
 */
export function convert(host: DockerHost, spec: TargetSpec): Conversion {
  const { settings, problems, unit, file } = decodeDocker(host);
  const base = readBase(host, spec);
  const draft = new Draft(spec, host, { settings, file, config: base.tree });
  draft.ledger.push(...base.ledger);
  for (const { key, source, why } of problems) {
    draft.ledger.push({ outcome: "invalid", key, value: "", source, to: [], note: why });
  }
  for (const key of Object.keys(settings)) if (isDaemonKey(key)) applyRule(key, draft);
  convertUnit(unit, draft);
  putCgroupDefault(draft);
  moveOldRegistries(draft, base.tls);
  putHandlers(draft);
  putParity(draft);
  convertKubelet(draft);
  copyCertificates(draft);
  convertLogins(draft);
  return { target: spec.label, files: filesOf(draft), ledger: draft.ledger };
}

function convertUnit({ proxies, limits }: DockerUnit, draft: Draft): void {
  const given = draft.settings.proxies?.value ?? {};
  for (const [name, fact] of Object.entries(proxies)) {
    const key = name.toLowerCase().replace("_", "-");
    if (given[key] === undefined) convertProxy(name, fact, draft, name);
    else draft.record("unneeded", name, fact, { note: "proxies of daemon.json count more" });
  }
  for (const [name, fact] of Object.entries(limits)) {
    const isGiven = draft.settings["default-ulimits"]?.value[name.slice("Limit".length).toLowerCase()] !== undefined;
    if (isGiven) draft.record("unneeded", name, fact, { note: "default-ulimits count more in containers" });
    else {
      const to = draft.putDropIn("limits.conf", `${name}=${fact.value}`);
      draft.record("kept", name, fact, { to: [to], note: "of the daemon, and of containers that inherit it" });
    }
  }
}

/** Docker that is not told takes systemd on cgroup v2, cgroupfs on v1; the kubelet's word counts where it is known. */
function putCgroupDefault(draft: Draft): void {
  const options = draft.settings["exec-opts"]?.value ?? [];
  if (options.some((option) => /^native\.cgroupdriver=(systemd|cgroupfs)$/.test(option.replaceAll(" ", "")))) return;
  const { cgroupDriver } = draft.host.kubelet;
  const version = draft.host.cgroupVersion ?? 2;
  const fact = cgroupDriver ?? {
    value: version === 2 ? "systemd" : "cgroupfs",
    source: { t: "system", what: `Docker's default on cgroup v${version}` } as const,
  };
  draft.record("kept", "native.cgroupdriver", fact, {
    to: cgroupDestinations(draft, fact.value),
    note: cgroupDriver === undefined ? "on every handler, and the same for the kubelet" : "as the kubelet has it",
  });
}

/** Docker since 20.10 lets containers bind low ports and ping without being root; containerd 1.x wants to be told. */
function putParity(draft: Draft): void {
  if (draft.spec.configVersion > 2 || draft.place("unprivilegedPorts") === undefined) return;
  const fact = { value: true, source: { t: "system", what: "Docker's default since 20.10" } } as const;
  draft.record("kept", "net.ipv4.ip_unprivileged_port_start", fact, {
    to: [draft.put("unprivilegedPorts", true), draft.put("unprivilegedIcmp", true)],
    note: "low ports and ping without root, as before; other containerd 1.x defaults refuse them",
  });
}

/** What the kubelet did itself with Docker, and leaves to a CRI runtime. */
function convertKubelet(draft: Draft): void {
  const { podInfraContainerImage: pause, cniConfDir, cniBinDir } = draft.host.kubelet;
  putConfigPath(draft);
  if (pause !== undefined) {
    draft.record("kept", "--pod-infra-container-image", pause, {
      to: [draft.put("sandboxImage", pause.value)],
      note: "pulled without credentials, and kept by the kubelet's image collector only when both name the same",
    });
  }
  if (cniConfDir !== undefined) {
    const to = draft.put("cniConfDirectory", cniConfDir.value);
    draft.record("kept", "--cni-conf-dir", cniConfDir, { to: [to], note: "the runtime calls CNI from now on" });
  }
  if (cniBinDir === undefined) return;
  const [first = "", ...more] = cniBinDir.value.split(",");
  const takesMany =
    draft.spec.target === "ferry" || draft.place("cniBinDirectories")?.key.endsWith("bin_dirs") === true;
  const to = draft.put("cniBinDirectories", takesMany ? [first, ...more] : first);
  draft.record(takesMany || more.length === 0 ? "kept" : "lost", "--cni-bin-dir", cniBinDir, {
    to: [to],
    note: "the runtime calls CNI from now on",
    ...(!takesMany &&
      more.length > 0 && { action: `only one directory is looked in: link the plugins of ${more.join(", ")}` }),
  });
}

/** Where hosts.toml are looked for; more directories that are named stay, behind ours. */
function putConfigPath(draft: Draft): void {
  const { places, certsDirectory } = draft.spec;
  if (places.configPath === undefined) return;
  const before = getIn(draft.config, places.configPath);
  const directories = typeof before === "string" ? before.split(":").filter((one) => one !== "") : [];
  if (directories.includes(certsDirectory)) return;
  setIn(draft.config, places.configPath, [certsDirectory, ...directories].join(":"));
}

function filesOf(draft: Draft): ConvertedFile[] {
  const { spec } = draft;
  const comment = [`Docker's configuration of this node, for ${spec.label}.`];
  const config = formatToml(draft.config, comment);
  const dropIns = [...draft.dropIns].map(([path, lines]) => ({
    path,
    // A proxy's URL may carry a password.
    mode: path.endsWith("http-proxy.conf") ? 0o600 : 0o644,
    content: `[Service]\n${lines.join("\n")}\n`,
    why: path.endsWith("http-proxy.conf") ? "proxies for pulls" : "limits that containers inherit",
  }));
  const files: ConvertedFile[] = [
    ...draft.files,
    ...dropIns,
    { path: spec.configFile, mode: 0o644, content: config, why: `configuration of ${spec.label}` },
    kubeletFile(draft.kubelet),
    crictlFile(spec.endpoint),
  ];
  return byPath(files);
}
