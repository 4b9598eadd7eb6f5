import type { Finding } from "../../assess/finding.ts";
import type { HostText } from "../../host/read-unit.ts";
import type { DoctorFacts } from "../doctor-facts.ts";
import { finding } from "./check.ts";

/** Files that tools leave behind; sorted before the cluster's own they become the pods' network. */
const strays = /^(10-containerd-net|87-podman.*|\d+-nerdctl.*|nerdctl-.*|100-crio-bridge.*|200-loopback|99-loopback)\./;

/** The pods' network: containerd takes the first file by name. */
export function* cniChecks(facts: DoctorFacts): Iterable<Finding> {
  yield* otherDirectory(facts);
  const { files, directory } = facts.cni;
  const [first, ...rest] = files;
  if (first === undefined) {
    yield finding(directory, {
      check: "cni-empty",
      severity: "medium",
      title: `${directory}: there is no network configuration`,
      why: "the node is not ready until a network add-on writes one: cni plugin not initialized",
      at: [],
      fix: { summary: "look after the network add-on's DaemonSet, and whether it writes to this directory" },
    });
    return;
  }
  const name = first.path.split("/").at(-1) ?? "";
  if (strays.test(name) && rest.length > 0) {
    yield finding(first.path, {
      check: "cni-stray-first",
      severity: "high",
      title: `${name}: sorts before ${rest.map(({ path }) => path.split("/").at(-1)).join(", ")}`,
      why: "containerd takes the first file by name: pods get addresses of a bridge that the cluster does not know",
      at: [{ t: "file", path: first.path }],
      fix: { summary: "move it away", commands: [`mv ${first.path} ${first.path}.off`] },
    });
  }
  yield* contentChecks(facts, first);
}

/** With Docker the kubelet called the plugins; now containerd does, and looks where it is told. */
function* otherDirectory({ cni, kubelet }: DoctorFacts): Iterable<Finding> {
  const said = kubelet.cniConfDir;
  if (said === undefined || said.value.replace(/\/$/, "") === cni.directory.replace(/\/$/, "")) return;
  yield finding(cni.directory, {
    check: "cni-other-directory",
    severity: "high",
    title: `--cni-conf-dir=${said.value}: containerd looks in ${cni.directory}`,
    why: "the network add-on writes where the kubelet was told: cni plugin not initialized",
    at: [said.source],
    fix: { summary: `set cni.conf_dir of containerd's CRI to ${said.value}` },
  });
}

function* contentChecks(facts: DoctorFacts, file: HostText): Iterable<Finding> {
  const config = decode(file.text);
  if (config === undefined) {
    yield finding(file.path, {
      check: "cni-unreadable",
      severity: "blocker",
      title: `${file.path}: is no CNI configuration`,
      why: "the node is not ready: failed to load CNI config file",
      at: [{ t: "file", path: file.path }],
      fix: { summary: "mend it, or let the network add-on write it again" },
    });
    return;
  }
  const [major, minor, patch] = facts.release?.value ?? [0, 0, 0];
  if (config.version === "") {
    const isFatal = major === 1 && minor === 6 && patch <= 3;
    yield finding(file.path, {
      check: "cni-no-version",
      severity: isFatal ? "blocker" : "low",
      title: `${file.path}: has no cniVersion`,
      why: isFatal
        ? 'pods cannot be taken down: failed to destroy network for sandbox: invalid version "": the version is empty'
        : "plugins take it for 0.1.0 or 0.2.0",
      at: [{ t: "file", path: file.path, line: 1 }],
      fix: { summary: isFatal ? "add cniVersion, and install containerd 1.6.4 or later" : "add cniVersion" },
    });
  }
  const { plugins, binDirectories } = facts.cni;
  for (const type of config.types.filter((one) => !plugins.has(one))) {
    const line = file.text.split("\n").findIndex((text) => text.includes(`"${type}"`)) + 1;
    yield finding(file.path, {
      check: "cni-plugin-absent",
      severity: "blocker",
      title: `${file.path}: plugin ${type} is not there`,
      why: `no pod starts: failed to find plugin "${type}" in path [${binDirectories.join(" ")}]`,
      at: [{ t: "file", path: file.path, ...(line > 0 && { line }) }],
      fix: {
        summary: `install it into ${binDirectories[0] ?? "/opt/cni/bin"}, or set cni.bin_dir (bin_dirs from 2.1 on)`,
      },
    });
  }
}

/** A `.conf` of one plugin, or a `.conflist` of many. */
function decode(text: string): { version: string; types: string[] } | undefined {
  const config = parseJson(text);
  if (!isObject(config)) return undefined;
  const plugins = Array.isArray(config["plugins"]) ? config["plugins"] : [config];
  const types = plugins.flatMap((plugin) => {
    const ipam = isObject(plugin) ? plugin["ipam"] : undefined;
    return [isObject(plugin) ? plugin["type"] : undefined, isObject(ipam) ? ipam["type"] : undefined];
  });
  const version = config["cniVersion"];
  return {
    version: typeof version === "string" ? version : "",
    types: types.filter((type): type is string => typeof type === "string" && type !== ""),
  };
}

function parseJson(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
