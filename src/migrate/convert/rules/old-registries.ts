import type { TomlValue } from "smol-toml";
import type { Fact, Source } from "../../host/source.ts";
import { getIn, isTomlTable } from "../../toml/toml-tree.ts";
import { isRegistryHost } from "../address-range.ts";
import type { OldTls } from "../base-config.ts";
import type { Draft } from "../draft.ts";
import { everyRegistry, hasHosts, putHosts } from "../put-hosts.ts";
import type { HostLine } from "../registry-hosts.ts";

/**
 * Mirrors and TLS that stand in containerd's own file go into hosts.toml too: beside `config_path` its CRI plugin refuses
 * mirrors, and ignores or refuses TLS.
 */
export function moveOldRegistries(draft: Draft, tls: ReadonlyMap<string, Fact<OldTls>>): void {
  const configPath = draft.spec.places.configPath;
  if (configPath === undefined) return;
  const registry = getIn(draft.config, configPath.slice(0, -1));
  const mirrors = isTomlTable(registry) ? registry["mirrors"] : undefined;
  for (const [key, mirror] of Object.entries(isTomlTable(mirrors) ? mirrors : {})) {
    const name = key === "*" ? everyRegistry : key;
    const endpoints = isTomlTable(mirror) ? mirror["endpoint"] : undefined;
    const urls = Array.isArray(endpoints) ? endpoints.filter(isURL) : [];
    const source: Source = { t: "file", path: draft.spec.configFile };
    if (name !== everyRegistry && !isRegistryHost(name)) {
      refuse(`registry.mirrors.${JSON.stringify(key)}`, { value: urls, source }, draft);
      continue;
    }
    const note = noteFor(name, "beside config_path mirrors are refused: as hosts of its hosts.toml", draft);
    const to = [
      putHosts(
        name,
        urls.map((url) => withTls(url, tls)),
        draft,
      ),
    ];
    draft.record("changed", `registry.mirrors.${JSON.stringify(key)}`, { value: urls, source }, { to, note });
  }
  if (isTomlTable(registry)) delete registry["mirrors"];
  for (const [host, fact] of tls) {
    if (!isRegistryHost(host)) {
      refuse(`registry.configs.${JSON.stringify(host)}.tls`, fact, draft);
      continue;
    }
    const note = noteFor(
      host,
      "beside config_path it has no effect, or is refused: as a host of its hosts.toml",
      draft,
    );
    const to = [putHosts(host, [withTls(`https://${host}`, tls)], draft)];
    draft.record("changed", `registry.configs.${JSON.stringify(host)}.tls`, fact, { to, note });
  }
}

function refuse(key: string, fact: Fact<unknown>, draft: Draft): void {
  draft.record("invalid", key, fact, { note: "its name is no registry's host" });
}

function noteFor(namespace: string, note: string, draft: Draft): string {
  return hasHosts(namespace, draft) ? "its hosts.toml is written already: what stands there counts" : note;
}

function isURL(value: TomlValue): value is string {
  return typeof value === "string" && URL.canParse(value);
}

function withTls(url: string, tls: ReadonlyMap<string, Fact<OldTls>>): HostLine {
  const found = tls.get(new URL(url).host)?.value;
  return {
    url,
    ...(found?.skipVerify === true && { skipVerify: true }),
    ...(found !== undefined && { files: found.files }),
  };
}
