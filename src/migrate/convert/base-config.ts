import { lookUp } from "#base/look-up.ts";
import type { TomlTable, TomlValue } from "smol-toml";
import { EngineError, messageOf } from "#base/errors.ts";
import { change, stay, treeOf, unneeded, type Leaf, type Move } from "../containerd-config/leaf.ts";
import { advance, startJourney } from "../containerd-config/migrate-config.ts";
import { parseContainerdConfig, type ContainerdConfig } from "../containerd-config/parse-config.ts";
import type { Fact } from "../host/source.ts";
import { ledgerEntry, type LedgerEntry } from "../ledger/ledger.ts";
import type { DockerHost } from "./docker-host.ts";
import type { TlsFiles } from "./registry-hosts.ts";
import type { TargetSpec } from "./target-spec.ts";

/** What `registry.configs.<host>.tls` said. */
export type OldTls = { readonly skipVerify: boolean; readonly files: TlsFiles };

export type BaseConfig = {
  readonly tree: TomlTable;
  readonly ledger: readonly LedgerEntry[];
  /** By host and port. Left out of the tree where hosts.toml has its place. */
  readonly tls: ReadonlyMap<string, Fact<OldTls>>;
};

/**
 * What the runtime that is there was told, in the version that is written: Docker's conversion goes on top. containerd's
 * CRI is switched on, which Docker's package of containerd ships off. The ledger has what does not stay as it was.
 */
export function readBase(host: DockerHost, spec: TargetSpec): BaseConfig {
  const file = spec.target === "ferry" ? host.ferryConfig : host.containerdConfig;
  if (file === undefined) return { tree: {}, ledger: [], tls: new Map() };
  try {
    const config = parseContainerdConfig(file);
    return spec.target === "ferry" ? readFerry(config) : readContainerd(config, spec);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    const note = `${messageOf(error)}; nothing of it is carried over`;
    const fact = { value: "", source: { t: "file", path: file.path } } as const;
    return { tree: {}, ledger: [ledgerEntry("invalid", "", fact, { note })], tls: new Map() };
  }
}

function readFerry({ tree, version }: ContainerdConfig): BaseConfig {
  if (version > 1) throw new EngineError("failedPrecondition", `ferry config: version ${version} is not known`);
  return { tree, ledger: [], tls: new Map() };
}

function readContainerd(config: ContainerdConfig, spec: TargetSpec): BaseConfig {
  const to = spec.configVersion === 4 ? 4 : spec.configVersion === 3 ? 3 : 2;
  const journey = startJourney(config);
  const tls = spec.places.configPath === undefined ? new Map<string, Fact<OldTls>>() : tlsOf(journey.leaves);
  journey.take((leaf) => (tls.size > 0 && isTls(leaf) ? moved : stay));
  advance(journey, config.version, { to, hasBinDirs: spec.label !== "containerd 2.0" });
  journey.take(({ path: [first], value }) => (first === "disabled_plugins" ? switchCriOn(value) : stay));
  journey.take(({ path: [first], value }) => (first === "imports" ? keepImports(value) : stay));
  const isTold = ({ key, outcome }: LedgerEntry) =>
    key !== "version" && outcome !== "kept" && !/\.configs\..*\.tls\./.test(key);
  return { tree: treeOf(journey.leaves), ledger: journey.ledger(config.path).filter(isTold), tls };
}

function switchCriOn(value: TomlValue): Move {
  const names = Array.isArray(value) ? value : [];
  const left = names.filter(
    (name) => typeof name !== "string" || !/^(cri|io\.containerd\.(grpc\.v1\.cri|cri\.v1\.\w+))$/.test(name),
  );
  if (left.length === names.length) return names.length === 0 ? unneeded("empty") : stay;
  const note = "the CRI is switched on: Docker's package of containerd ships it off";
  return left.length === 0 ? unneeded(note) : change(["disabled_plugins"], left, note);
}

function keepImports(value: TomlValue): Move {
  if (Array.isArray(value) && value.length === 0) return stay;
  const note = "read on top of this file: containerd 1 puts their tables of a plugin in the place of these";
  return change(["imports"], value, note, "ferry migrate doctor, when the files are in place");
}

const moved = unneeded("as a host of its hosts.toml");

/** `registry.configs.<host>.tls.<key>`, in whichever version. */
function isTls({ path }: Leaf): boolean {
  return path.at(-2) === "tls" && path.at(-4) === "configs" && path.at(-5) === "registry";
}

function tlsOf(leaves: readonly Leaf[]): Map<string, Fact<OldTls>> {
  const found = new Map<string, Fact<OldTls>>();
  for (const leaf of leaves.filter(isTls)) {
    const [host = "", key = ""] = [leaf.path.at(-3), leaf.path.at(-1)];
    const before = found.get(host)?.value ?? { skipVerify: false, files: {} };
    const name = lookUp(fileNames, key);
    const value =
      name !== undefined && typeof leaf.value === "string" && leaf.value !== ""
        ? { ...before, files: { ...before.files, [name]: leaf.value } }
        : { ...before, skipVerify: before.skipVerify || (key === "insecure_skip_verify" && leaf.value === true) };
    found.set(host, { value, source: found.get(host)?.source ?? leaf.origin.source });
  }
  return found;
}

const fileNames: Readonly<Record<string, keyof TlsFiles>> = { ca_file: "ca", cert_file: "cert", key_file: "key" };
