import { convertForCriDockerd } from "../convert/convert-for-cri-dockerd.ts";
import { convert } from "../convert/convert.ts";
import type { Conversion } from "../convert/conversion.ts";
import type { DockerHost } from "../convert/docker-host.ts";
import { kubeletFragmentPath } from "../convert/node-files.ts";
import { containerdSpecFor } from "../convert/find-target.ts";
import { readDockerHost } from "../convert/read-docker-host.ts";
import { ferrySpec } from "../convert/target-spec.ts";
import type { HostRoot } from "../host/host-root.ts";
import { parseKubeletConfig } from "../host/kubelet-config.ts";
import type { KubernetesVersion } from "../host/kubernetes-version.ts";
import { readNode, type NodeFacts } from "../host/read-node.ts";
import { runtimeVersion } from "../host/read-runtime.ts";
import type { RunningHost } from "../host/running-host.ts";
import { placeText, type LedgerEntry } from "../ledger/ledger.ts";
import type { FieldEdit } from "./edit-kubelet-config.ts";
import type { PlanInput, PlanOptions, RuntimeConfig, RuntimeFile } from "./plan-input.ts";
import { readStoreFacts } from "./read-store-facts.ts";
import { sandboxImageOf } from "./sandbox-image.ts";
import type { Target } from "./step.ts";

/** What is chosen by whoever asks for a plan. */
export type PlanChoice = {
  readonly target: Target;
  readonly options: PlanOptions;
  /** Of the containerd to configure for; left out: the one that is installed. */
  readonly containerdVersion?: string | undefined;
  /** For a copy that does not say. */
  readonly kubeletVersion?: KubernetesVersion | undefined;
  readonly nodeName?: string | undefined;
  /** Ferry's unit, written where the node has none; undefined leaves that to whoever installs it. */
  readonly ferryUnit?: string | undefined;
  /** RFC 3339. */
  readonly madeAt: string;
};

/** Reads all that a plan for this host is made from. */
export async function readPlanInput(
  root: HostRoot,
  running: RunningHost | undefined,
  choice: PlanChoice,
): Promise<PlanInput> {
  const read = await readNode(root, running);
  const version = choice.kubeletVersion;
  const facts: NodeFacts = {
    ...read,
    node: choice.nodeName ?? read.node,
    ...(version === undefined
      ? {}
      : { kubelet: { ...read.kubelet, version: { value: version, source: { t: "system", what: "as asked for" } } } }),
  };
  const { target, options, madeAt } = choice;
  const host = await readDockerHost({ root, running, images: [] });
  const runtime = await readRuntimeConfig({ root, running, facts, host, choice });
  const roots = { ferry: facts.ferry.root, containerd: facts.containerd.root };
  const store = facts.docker === undefined ? undefined : await readStoreFacts(root, facts.docker, roots);
  return { facts, target, options, madeAt, runtime, store };
}

type Sources = {
  readonly root: HostRoot;
  readonly running: RunningHost | undefined;
  readonly facts: NodeFacts;
  readonly host: DockerHost;
  readonly choice: PlanChoice;
};

const noConfig: RuntimeConfig = { version: undefined, files: [], kubeletFields: [], notes: [] };

/** Docker's configuration for the target, and the texts that are there now. */
async function readRuntimeConfig(sources: Sources): Promise<RuntimeConfig> {
  const { root, facts, choice } = sources;
  const { target, containerdVersion } = choice;
  // k3s configures its own containerd.
  if (facts.layout.t === "k3s" && target === "containerd") return noConfig;
  const conversion = await convertFor(sources);
  const files: RuntimeFile[] = [];
  for (const { path, content, mode, why } of conversion.files) {
    if (path === kubeletFragmentPath) continue;
    files.push({ path, content, mode, why, before: await root.findText(path) });
  }
  if (target === "ferry" && choice.ferryUnit !== undefined && facts.ferry.units.length === 0) {
    const path = `/etc/systemd/system/${ferrySpec.unit}`;
    files.push({ path, content: choice.ferryUnit, mode: 0o644, why: "Ferry's unit", before: undefined });
  }
  const fragment = conversion.files.find(({ path }) => path === kubeletFragmentPath);
  return {
    version: containerdVersion ?? (target === "containerd" ? runtimeVersion(facts.containerd) : undefined),
    files,
    kubeletFields: fragment === undefined ? [] : fieldsOf(fragment.content),
    notes: conversion.ledger.filter(({ outcome }) => outcome === "lost" || outcome === "invalid").map(noteOf),
  };
}

/** The kubelet's defaults, which nobody wrote down, count as its word. */
async function convertFor({ root, running, facts, host, choice }: Sources): Promise<Conversion> {
  const { target, containerdVersion } = choice;
  const minor = facts.kubelet.version?.value.minor ?? 0;
  const byDefault = (value: string) => ({ value, source: { t: "system", what: "the kubelet's default" } as const });
  const cgroupDriver = host.kubelet.cgroupDriver ?? (minor < 31 ? byDefault("cgroupfs") : undefined);
  const kubelet = {
    ...host.kubelet,
    podInfraContainerImage: host.kubelet.podInfraContainerImage ?? byDefault(sandboxImageOf(facts.kubelet)),
    ...(cgroupDriver === undefined ? {} : { cgroupDriver }),
  };
  if (target === "cri-dockerd") return convertForCriDockerd({ ...host, kubelet }, facts.criDockerd.program);
  const spec = target === "ferry" ? ferrySpec : await containerdSpecFor(containerdVersion, root, running);
  return convert({ ...host, kubelet }, spec);
}

function fieldsOf(text: string): FieldEdit[] {
  const { fields } = parseKubeletConfig({ path: kubeletFragmentPath, text });
  return [...fields]
    .filter(([field]) => field !== "apiVersion" && field !== "kind")
    .map(([field, { value }]) => ({ field, value: /^\d+$/.test(value) ? Number(value) : value }));
}

function noteOf({ key, note, action, outcome, source }: LedgerEntry): string {
  const subject = key === "" ? placeText(source) : `Docker's ${key}`;
  const what = outcome === "lost" ? "is lost" : "is not valid";
  return `${subject} ${what}: ${note}${action === undefined ? "" : `; ${action}`}`;
}
