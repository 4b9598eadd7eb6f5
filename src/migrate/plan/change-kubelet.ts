import { findFlag, type FlagRegion } from "../host/command-line.ts";
import { dockershimFlags, flagsRemovedBy } from "../host/kubelet-flag-table.ts";
import type { KubeletConfigFile } from "../host/kubelet-config.ts";
import { findKubeletSetting, instanceConfigPath } from "../host/read-kubelet.ts";
import type { NodeFacts } from "../host/read-node.ts";
import { editFlags, type FlagEdit } from "./edit-flags.ts";
import { editKubeletConfig, newKubeletConfig, type FieldEdit } from "./edit-kubelet-config.ts";
import { dependsOnDocker, withoutDockerDependency } from "./edit-unit.ts";
import type { FileDrafts } from "./file-drafts.ts";
import { overridePath } from "./override-path.ts";

/** What the kubelet is to be told. */
export type KubeletWish = {
  readonly minor: number;
  readonly endpoint: string;
  /** Unit that the kubelet's own is ordered behind in place of Docker's; undefined leaves a dependency on Docker. */
  readonly unit: string | undefined;
  /** Fields that must be so, and those that are set only where nobody said something else. */
  readonly fields: readonly FieldEdit[];
  readonly defaults: readonly FieldEdit[];
};

const endpointNames = { flag: "container-runtime-endpoint", field: "containerRuntimeEndpoint" };

/** Flags that say what a field says; a kubelet without a configuration file is told by them. */
const flagOfField: Readonly<Record<string, string>> = {
  cgroupDriver: "cgroup-driver",
  containerLogMaxSize: "container-log-max-size",
  containerLogMaxFiles: "container-log-max-files",
  resolvConf: "resolv-conf",
};

/**
 * Puts into `drafts` what makes the kubelet use another runtime, each thing where this node's layout has it. Answers what
 * the reader must know.
 */
export function changeKubelet(facts: NodeFacts, wish: KubeletWish, drafts: FileDrafts): string[] {
  const edits: FlagEdit[] = removedFlags(wish.minor).map((name) => ({ name, value: null }));
  const fields: FieldEdit[] = [];
  const notes: string[] = [];
  if (wish.minor < 24) edits.push({ name: "container-runtime", value: "remote" });
  placeEndpoint(facts, wish, drafts, { edits, fields });
  for (const edit of [...wish.fields, ...wish.defaults.filter(({ field }) => isUnset(facts, field))]) {
    placeField(facts, edit, { edits, fields });
  }
  writeFlags(facts, edits, drafts);
  notes.push(...writeFields(facts, fields, drafts));
  writeUnits(facts, wish.unit, drafts);
  return notes;
}

type Placed = { readonly edits: FlagEdit[]; readonly fields: FieldEdit[] };

/** Flags to take away: what this kubelet refuses, and what only Docker inside it ever read. */
function removedFlags(minor: number): string[] {
  const refused = flagsRemovedBy(minor).map(({ name }) => name);
  // From 1.24 on `remote` is the only value and nobody needs to say it; 1.27 refuses the flag.
  const needless = minor >= 24 ? ["container-runtime"] : [];
  return [...new Set([...dockershimFlags(), ...refused, ...needless, "image-service-endpoint"])];
}

/**
 * Where the socket is said: kubeadm's instance configuration (1.34), a drop-in directory, the field where a configuration
 * file has it already, else the flag.
 */
function placeEndpoint(facts: NodeFacts, { minor, endpoint }: KubeletWish, drafts: FileDrafts, placed: Placed): void {
  const { layout, kubelet } = facts;
  const edit = { field: endpointNames.field, value: endpoint };
  if (layout.t === "kubeadm" && layout.era === "instance-config") {
    const text = kubelet.instanceConfig?.text;
    const why = "kubeadm keeps the node's socket here and puts it into config.yaml at each upgrade";
    drafts.edit(instanceConfigPath, text, editOrNew(instanceConfigPath, [edit]), why, 0o600);
  }
  const flag = findFlag(kubelet.commandLine, endpointNames.flag);
  const isField =
    (layout.t === "kubeadm" && layout.era === "instance-config") ||
    (layout.t === "config-dir" && minor >= 28) ||
    (minor >= 27 && flag === undefined && (findKubeletSetting(kubelet, endpointNames)?.value ?? "") !== "");
  if (isField) {
    placed.fields.push(edit);
    placed.edits.push({ name: endpointNames.flag, value: null });
  } else placed.edits.push({ name: endpointNames.flag, value: endpoint });
}

function placeField({ kubelet }: NodeFacts, edit: FieldEdit, { edits, fields }: Placed): void {
  const flag = flagOfField[edit.field];
  const names = flag === undefined ? { field: edit.field } : { flag, field: edit.field };
  if (findKubeletSetting(kubelet, names)?.value === String(edit.value)) return;
  const isFlag = flag !== undefined && findFlag(kubelet.commandLine, flag) !== undefined;
  const hasConfig = kubelet.config !== undefined || kubelet.configDirectory !== undefined;
  if (isFlag || (!hasConfig && flag !== undefined)) edits.push({ name: flag, value: String(edit.value) });
  else fields.push(edit);
}

/** kubeadm writes `0` and `""` for what nobody set. */
function isUnset({ kubelet }: NodeFacts, field: string): boolean {
  const flag = flagOfField[field];
  const found = findKubeletSetting(kubelet, flag === undefined ? { field } : { flag, field })?.value ?? "";
  return found === "" || found === "0";
}

function writeFlags({ kubelet, layout }: NodeFacts, edits: readonly FlagEdit[], drafts: FileDrafts): void {
  const { commandLine } = kubelet;
  if (commandLine === undefined) return;
  const home = homeOf(commandLine.regions, layout.t === "kubeadm");
  const present = new Set(commandLine.flags.map(({ name }) => name));
  // From the last region to the first, so that spans of those before stay right.
  for (const region of [...commandLine.regions].sort((a, b) => b.start - a.start)) {
    const file = commandLine.files.find(({ path }) => path === region.path);
    if (file === undefined) continue;
    const path = overridePath(region.path);
    const before = path === region.path ? file.text : undefined;
    const own = region === home ? edits : edits.filter(({ name }) => present.has(name));
    const old = drafts.textOf(path) ?? file.text;
    const edited = editFlags(old, region, own, region === home ? present : undefined);
    if (edited !== old) drafts.edit(path, before, () => edited, "the kubelet's flags for the new runtime");
  }
}

/** Where a new flag goes: kubeadm's own variable, else the one for extra arguments, else any, else the command itself. */
function homeOf(regions: readonly FlagRegion[], isKubeadm: boolean): FlagRegion | undefined {
  const named = (name: string) => regions.findLast(({ variable }) => variable === name);
  const variables = regions.filter(({ style }) => style !== "exec-start");
  return (
    (isKubeadm ? named("KUBELET_KUBEADM_ARGS") : undefined) ??
    named("KUBELET_EXTRA_ARGS") ??
    variables.at(-1) ??
    regions[0]
  );
}

function writeFields(facts: NodeFacts, fields: readonly FieldEdit[], drafts: FileDrafts): string[] {
  const { kubelet, layout } = facts;
  if (fields.length === 0) return [];
  const why = "the kubelet's configuration for the new runtime";
  if (kubelet.configDirectory !== undefined) {
    for (const edit of fields) {
      const file = dropInOf(kubelet.configDirectory, edit.field);
      drafts.edit(file.path, file.text, editOrNew(file.path, [edit]), why);
    }
    return [];
  }
  const { config } = kubelet;
  if (config === undefined) return [];
  drafts.edit(config.path, config.text, (text) => editKubeletConfig(config.path, text, fields), why);
  const others = fields.filter(({ field }) => field !== endpointNames.field).map(({ field }) => field);
  if (layout.t !== "kubeadm" || others.length === 0) return [];
  return [
    `kubeadm upgrade writes ${config.path} anew from the ConfigMap kube-system/kubelet-config: put ${others.join(", ")} there too once every node agrees`,
  ];
}

/** The drop-in that says it already, the last of them; else one of ours behind the others. */
function dropInOf(
  { path, files }: { readonly path: string; readonly files: readonly KubeletConfigFile[] },
  field: string,
): { path: string; text: string | undefined } {
  const own = `${path}/90-container-runtime.conf`;
  const found = files.findLast((file) => file.fields.has(field)) ?? files.find((file) => file.path === own);
  return found ?? { path: own, text: undefined };
}

function editOrNew(path: string, edits: readonly FieldEdit[]): (text: string) => string {
  return (text) => (text.trim() === "" ? newKubeletConfig(edits) : editKubeletConfig(path, text, edits));
}

function writeUnits({ kubelet }: NodeFacts, unit: string | undefined, drafts: FileDrafts): void {
  if (unit === undefined) return;
  for (const file of kubelet.unit?.files ?? []) {
    const path = overridePath(file.path);
    const text = drafts.textOf(path) ?? file.text;
    if (!dependsOnDocker(text)) continue;
    const before = path === file.path ? file.text : undefined;
    const why = "the kubelet no longer depends on Docker's unit, which would start it again";
    drafts.edit(path, before, () => withoutDockerDependency(text, unit), why);
  }
}
