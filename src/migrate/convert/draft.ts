import type { TomlTable, TomlValue } from "smol-toml";
import type { DaemonSettings, DecodedFile } from "../docker-config/decode-daemon-json.ts";
import type { Fact, Source } from "../host/source.ts";
import {
  ledgerEntry,
  valueText,
  type Destination,
  type LedgerEntry,
  type Outcome,
  type Remark,
} from "../ledger/ledger.ts";
import type { ConvertedFile } from "./conversion.ts";
import type { DockerHost } from "./docker-host.ts";
import type { SettingName, TargetSpec } from "./target-spec.ts";
import { kubeletFragmentPath } from "./node-files.ts";
import { loginHosts } from "./rules/logins.ts";
import { getIn, isTomlTable, keyPathText, setIn } from "../toml/toml-tree.ts";

/** One `[runtimes.<name>]`, whichever runtime reads it. */
export type HandlerDraft = {
  readonly type: string;
  readonly options: Readonly<Record<string, TomlValue>>;
};

type DraftInput = {
  readonly settings: DaemonSettings;
  readonly file: DecodedFile;
  /** The runtime's own file as it is, in the version that is written. */
  readonly config: TomlTable;
};

/** A conversion in the making: rules put settings, lines and files in, and say for each key what became of it. */
export class Draft {
  readonly spec: TargetSpec;
  readonly host: DockerHost;
  readonly settings: DaemonSettings;
  readonly #file: DecodedFile;
  readonly config: TomlTable;
  readonly ledger: LedgerEntry[] = [];
  readonly files: ConvertedFile[] = [];
  readonly handlers = new Map<string, HandlerDraft>();
  /** Whether systemd makes the cgroups of pods. */
  systemdCgroup = false;
  /** Hosts that somebody logged in to. */
  readonly logins: readonly string[];
  readonly #kubelet = new Map<string, string | number>();
  readonly #dropIns = new Map<string, string[]>();

  constructor(spec: TargetSpec, host: DockerHost, read: DraftInput) {
    this.spec = spec;
    this.host = host;
    this.settings = read.settings;
    this.#file = read.file;
    this.logins = loginHosts(host.logins);
    this.config = { ...read.config, version: spec.configVersion };
  }

  /** Where a setting goes; undefined when this runtime has no such setting. */
  place(name: SettingName): Destination | undefined {
    const path = this.spec.places[name];
    return path === undefined ? undefined : { file: this.spec.configFile, key: keyPathText(path) };
  }

  /** Sets it, where there is such a setting; what the runtime's own file said otherwise is told. */
  put(name: SettingName, value: TomlValue): Destination | undefined {
    const path = this.spec.places[name];
    if (path === undefined) return undefined;
    const before = getIn(this.config, path);
    if (before !== undefined && !isTomlTable(before) && JSON.stringify(before) !== JSON.stringify(value)) {
      const source: Source = { t: "file", path: this.spec.configFile };
      const note = `what Docker was told counts: ${valueText(value)}`;
      this.ledger.push(ledgerEntry("changed", keyPathText(path), { value: before, source }, { note }));
    }
    setIn(this.config, path, value);
    return this.place(name);
  }

  /** The table of a setting, made when it is not there yet. @throws Error where this runtime has no such setting */
  table(name: SettingName): TomlTable {
    const path = this.spec.places[name];
    if (path === undefined) throw new Error(`${this.spec.label}: no place for ${name}`);
    const found = getIn(this.config, path);
    if (isTomlTable(found)) return found;
    const table: TomlTable = {};
    setIn(this.config, path, table);
    return table;
  }

  /** A field of the KubeletConfiguration fragment. */
  putKubelet(key: string, value: string | number): Destination {
    this.#kubelet.set(key, value);
    return { file: kubeletFragmentPath, key };
  }

  /** A line of `[Service]` in a drop-in of the runtime's unit. */
  putDropIn(name: string, line: string): Destination {
    const path = `/etc/systemd/system/${this.spec.unit}.d/${name}`;
    this.#dropIns.set(path, [...(this.#dropIns.get(path) ?? []), line]);
    return { file: path, key: line.split("=")[0] ?? "" };
  }

  record(outcome: Outcome, key: string, fact: Fact<unknown>, remark: Remark): void {
    this.ledger.push(ledgerEntry(outcome, key, { ...fact, source: this.#sourceOf(key, fact.source) }, remark));
  }

  /** A member of a value has a line of its own in `daemon.json`. */
  #sourceOf(key: string, source: Source): Source {
    const line = this.#file.lines.get(key);
    return source.t === "file" && source.path === this.host.daemonJson?.path && line !== undefined
      ? { ...source, line }
      : source;
  }

  /** Kept where the runtime has the setting, else lost with `action` to take. */
  keep(name: SettingName, value: TomlValue, of: { key: string; fact: Fact<unknown>; note: string; action?: string }) {
    const to = this.put(name, value);
    const { key, fact, note, action } = of;
    if (to !== undefined) this.record("kept", key, fact, { to: [to], note });
    else {
      const missing = `${this.spec.label} has no such setting`;
      this.record("lost", key, fact, { note: missing, ...(action !== undefined && { action }) });
    }
  }

  get kubelet(): ReadonlyMap<string, string | number> {
    return this.#kubelet;
  }

  get dropIns(): ReadonlyMap<string, readonly string[]> {
    return this.#dropIns;
  }
}
