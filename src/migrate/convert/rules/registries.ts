import type { TomlValue } from "smol-toml";
import { redact } from "#base/errors.ts";
import type { Fact, Source } from "../../host/source.ts";
import type { Destination } from "../../ledger/ledger.ts";
import { hostsInRange, isAddressRange, registryOf } from "../address-range.ts";
import type { OldTls } from "../base-config.ts";
import type { Draft } from "../draft.ts";
import { formatHostsToml, registryCertificates, type HostLine } from "../registry-hosts.ts";
import { getIn, isTomlTable } from "../../toml/toml-tree.ts";
import type { Rules } from "./rule.ts";

type RegistryKey = "registry-mirrors" | "insecure-registries" | "max-concurrent-downloads";

/** Where images come from. `hosts.toml` is read at every pull: no restart is needed after a change. */
export const registryRules: Rules<RegistryKey> = {
  "registry-mirrors": convertMirrors,
  "insecure-registries": (fact, draft) => {
    if (draft.place("insecureRegistries") !== undefined) {
      const to = draft.put("insecureRegistries", fact.value.map(withoutScheme));
      draft.record("kept", "insecure-registries", fact, { to: [to], note: "hosts and ranges alike" });
      return;
    }
    for (const entry of fact.value) convertInsecure({ value: entry, source: fact.source }, draft);
  },
  "max-concurrent-downloads": (fact, draft, key) => {
    if (fact.value === 3) draft.record("unneeded", key, fact, { note: "3, as by default" });
    else if (fact.value < 1)
      draft.record("invalid", key, fact, { note: `invalid max concurrent downloads: ${fact.value}` });
    else {
      const isAlike = draft.spec.target === "ferry";
      draft.record(isAlike ? "kept" : "changed", key, fact, {
        to: [draft.put("maxDownloads", fact.value)],
        note: isAlike ? "layers, all pulls together" : "layers of each image, not of all pulls together",
      });
    }
  },
};

/** Copies what lies in Docker's certs.d; a registry without a hosts.toml is trusted by these files alone. */
export function copyCertificates(draft: Draft): void {
  const { certsDirectory } = draft.spec;
  const byRegistry = registryCertificates(draft.host.certificates);
  for (const [registry, { ca, clients }] of byRegistry) {
    const from = `/etc/docker/certs.d/${registry}/`;
    const files = draft.host.certificates.filter(({ path }) => path.startsWith(from));
    for (const { path, text } of files) {
      const isSecret = /PRIVATE KEY/.test(text);
      draft.files.push({
        path: `${certsDirectory}/${path.slice("/etc/docker/certs.d/".length)}`,
        mode: isSecret ? 0o600 : 0o644,
        content: text,
        why: `certificates of ${registry}`,
        copyOf: path,
      });
    }
    const names = [...ca, ...clients.map(({ cert }) => cert)].join(", ");
    draft.record(
      "kept",
      `certs.d/${registry}`,
      { value: names, source: { t: "file", path: from.slice(0, -1) } },
      {
        to: [{ file: `${certsDirectory}/${registry}`, key: "*" }],
        note: ca.length + clients.length === 0 ? "no .crt and no .cert with its .key there" : "the same layout is read",
      },
    );
  }
}

/**
 * Mirrors and TLS that stand in containerd's own file go into hosts.toml too: beside `config_path` its CRI plugin refuses
 * mirrors, and ignores or refuses TLS.
 */
export function moveOldRegistries(draft: Draft, tls: ReadonlyMap<string, Fact<OldTls>>): void {
  const configPath = draft.spec.places.configPath;
  if (configPath === undefined) return;
  const registry = getIn(draft.config, configPath.slice(0, -1));
  const mirrors = isTomlTable(registry) ? registry["mirrors"] : undefined;
  for (const [name, mirror] of Object.entries(isTomlTable(mirrors) ? mirrors : {})) {
    const endpoints = isTomlTable(mirror) ? mirror["endpoint"] : undefined;
    const urls = Array.isArray(endpoints) ? endpoints.filter(isURL) : [];
    const source: Source = { t: "file", path: draft.spec.configFile };
    draft.record(
      "changed",
      `registry.mirrors.${JSON.stringify(name)}`,
      { value: urls, source },
      {
        to: [
          putHosts(
            name,
            serverOf(name),
            urls.map((url) => withTls(url, tls)),
            draft,
          ),
        ],
        note: "beside config_path mirrors are refused: as hosts of its hosts.toml",
      },
    );
  }
  if (isTomlTable(registry)) delete registry["mirrors"];
  for (const [host, fact] of tls) {
    draft.record("changed", `registry.configs.${JSON.stringify(host)}.tls`, fact, {
      to: [putHosts(host, serverOf(host), [withTls(`https://${host}`, tls)], draft)],
      note: "beside config_path it has no effect, or is refused: as a host of its hosts.toml",
    });
  }
}

function serverOf(namespace: string): string {
  return namespace === "docker.io" ? "https://registry-1.docker.io" : `https://${namespace}`;
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

function convertMirrors(fact: Fact<readonly string[]>, draft: Draft, key: string): void {
  const hosts: HostLine[] = [];
  for (const mirror of fact.value) {
    const problem = mirrorProblem(mirror);
    if (problem === undefined) hosts.push(...mirrorHosts(mirror, draft));
    else draft.record("invalid", key, { value: mirror, source: fact.source }, { note: problem });
  }
  if (hosts.length === 0) return;
  draft.record(
    "kept",
    key,
    { value: hosts.map(({ url }) => url), source: fact.source },
    {
      to: [putHosts("docker.io", serverOf("docker.io"), hosts, draft)],
      note: "for docker.io only, as in Docker, in this order, then Docker Hub itself",
      ...loginsOf(hosts, draft),
    },
  );
}

/** Source: moby `ValidateMirror` in `daemon/pkg/registry/config.go`. */
function mirrorProblem(mirror: string): string | undefined {
  if (!URL.canParse(mirror) || !/^\w+:\/\//.test(mirror)) {
    return `invalid mirror: no scheme specified for "${redact(mirror)}": must use either 'https://' or 'http://'`;
  }
  const url = new URL(mirror);
  if (!/^https?:$/.test(url.protocol)) return `invalid mirror: unsupported scheme "${url.protocol.slice(0, -1)}"`;
  if (url.search !== "" || url.hash !== "") return "invalid mirror: query or fragment at end of the URI";
  if (url.username !== "" || url.password !== "") return "invalid mirror: username/password not allowed in URI";
  return undefined;
}

/** One that is insecure too is asked over TLS without verification, then over plain HTTP. */
function mirrorHosts(mirror: string, draft: Draft): HostLine[] {
  const { protocol, host, pathname } = new URL(mirror);
  const path = pathname.replace(/\/+$/, "");
  const at = (scheme: string) => (path === "" ? `${scheme}//${host}` : `${scheme}//${host}${path}/v2`);
  const certificates = registryCertificates(draft.host.certificates).get(host);
  const line = {
    ...(path !== "" && { overridePath: true }),
    ...(certificates !== undefined && { certificates }),
  };
  if (protocol === "http:") return [{ url: at("http:"), ...line }];
  const isInsecure = insecureHosts(draft).includes(host);
  if (!isInsecure) return [{ url: at("https:"), ...line }];
  return [
    { url: at("https:"), skipVerify: true, ...line },
    { url: at("http:"), ...line },
  ];
}

function insecureHosts(draft: Draft): readonly string[] {
  return (draft.settings["insecure-registries"]?.value ?? []).map(withoutScheme);
}

function convertInsecure(fact: Fact<string>, draft: Draft): void {
  const key = "insecure-registries";
  const entry = withoutScheme(fact.value);
  if (isAddressRange(entry)) convertRange(entry, fact, draft);
  else if (/^(localhost|127\.[\d.]+|\[?::1\]?)(:\d+)?$/.test(entry)) {
    draft.record("unneeded", key, fact, { note: "this host may speak plain HTTP anyway" });
  } else {
    draft.record("kept", key, fact, {
      to: [putInsecure(entry, draft)],
      note: "TLS without verification first, then plain HTTP, as Docker does",
    });
  }
}

function convertRange(range: string, fact: Fact<string>, draft: Draft): void {
  const key = "insecure-registries";
  if (/^(127\.|::1\/)/.test(range)) {
    draft.record("unneeded", key, fact, { note: "loopback may speak plain HTTP anyway" });
    return;
  }
  const used = [...new Set(draft.host.images.map(registryOf))].sort();
  const found = hostsInRange(range, used);
  draft.record(found.length === 0 ? "lost" : "changed", key, fact, {
    to: found.map((host) => putInsecure(host, draft)),
    note:
      found.length === 0
        ? "there are no address ranges, and no image in use names a registry in this one"
        : `there are no address ranges; registries of images in use: ${found.join(", ")}`,
    action: `for a registry in it that is used by name, write ${draft.spec.certsDirectory}/<host:port>/hosts.toml`,
  });
}

function putInsecure(host: string, draft: Draft): Destination {
  const certificates = registryCertificates(draft.host.certificates).get(host);
  const line = certificates === undefined ? {} : { certificates };
  const hosts = [{ url: `https://${host}`, skipVerify: true, ...line }, { url: `http://${host}` }];
  return putHosts(host, `https://${host}`, hosts, draft);
}

/** Before containerd 1.5 the hosts stand in its own file. */
function putHosts(namespace: string, server: string, hosts: readonly HostLine[], draft: Draft): Destination {
  const mirrors = draft.place("registryMirrors");
  if (mirrors !== undefined) return putOldHosts(mirrors, namespace, hosts, draft);
  const { certsDirectory, label } = draft.spec;
  const path = `${certsDirectory}/${namespace}/hosts.toml`;
  const content = formatHostsToml(server, hosts, certsDirectory, [`Docker's settings for ${namespace}, for ${label}.`]);
  if (!draft.files.some((file) => file.path === path)) {
    draft.files.push({ path, mode: 0o644, content, why: `where images of ${namespace} come from` });
  }
  return { file: path, key: "host" };
}

function putOldHosts(place: Destination, namespace: string, hosts: readonly HostLine[], draft: Draft): Destination {
  const table = draft.table("registryMirrors");
  table[namespace] = { endpoint: hosts.map(({ url }) => url) };
  for (const { url, skipVerify } of hosts) {
    if (skipVerify === true)
      draft.table("registryConfigs")[new URL(url).host] = { tls: { insecure_skip_verify: true } };
  }
  return { ...place, key: `${place.key}.${JSON.stringify(namespace)}` };
}

/** Docker sent its own login to a mirror; a hosts.toml has no place for one. */
function loginsOf(hosts: readonly HostLine[], draft: Draft): { action?: string } {
  const names = hosts.map(({ url }) => new URL(url).host).filter((host) => draft.logins.includes(host));
  if (names.length === 0) return {};
  return {
    action: `${names.join(", ")} has a login: give pods an imagePullSecret for it, or let it serve without one`,
  };
}

function withoutScheme(entry: string): string {
  return entry.replace(/^https?:\/\//, "").replace(/\/$/, "");
}
