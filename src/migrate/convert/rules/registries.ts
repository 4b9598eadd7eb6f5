import { redact } from "#base/errors.ts";
import type { Fact } from "../../host/source.ts";
import type { Destination } from "../../ledger/ledger.ts";
import { parseImageReference } from "../../image-reference.ts";
import { hostsInRange, isAddressRange, isRegistryHost } from "../address-range.ts";
import type { Draft } from "../draft.ts";
import { putHosts } from "../put-hosts.ts";
import { registryCertificates, type HostLine } from "../registry-hosts.ts";
import type { Rules } from "./rule.ts";

type RegistryKey = "registry-mirrors" | "insecure-registries" | "max-concurrent-downloads";

/** Where images come from. `hosts.toml` is read at every pull: no restart is needed after a change. */
export const registryRules: Rules<RegistryKey> = {
  "registry-mirrors": convertMirrors,
  "insecure-registries": (fact, draft, key) => {
    const [good, bad] = [fact.value.filter(isRegistry), fact.value.filter((entry) => !isRegistry(entry))];
    for (const value of bad) {
      draft.record("invalid", key, { value, source: fact.source }, { note: "neither a host nor an address range" });
    }
    if (draft.place("insecureRegistries") === undefined) {
      for (const entry of good) convertInsecure({ value: entry, source: fact.source }, draft);
    } else if (good.length > 0) {
      const to = draft.put("insecureRegistries", good.map(withoutScheme));
      draft.record("kept", key, { value: good, source: fact.source }, { to: [to], note: "hosts and ranges alike" });
    }
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
      to: [putHosts("docker.io", hosts, draft)],
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

function isRegistry(entry: string): boolean {
  return isAddressRange(withoutScheme(entry)) || isRegistryHost(withoutScheme(entry));
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
  const used = [...new Set(draft.host.images.map((image) => parseImageReference(image).registry))].sort();
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
  return putHosts(host, hosts, draft);
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
