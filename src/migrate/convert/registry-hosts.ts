import type { TomlTable } from "smol-toml";
import type { HostText } from "../host/read-unit.ts";
import { formatToml } from "../toml/toml-tree.ts";

/** One `[host."…"]` of a hosts.toml. */
export type HostLine = {
  readonly url: string;
  readonly skipVerify?: boolean;
  readonly overridePath?: boolean;
  readonly certificates?: RegistryCertificates;
  /** Files by their whole paths, as containerd's own configuration named them. */
  readonly files?: TlsFiles;
};

export type TlsFiles = { readonly ca?: string; readonly cert?: string; readonly key?: string };

/** What lies in `/etc/docker/certs.d/<registry>`, as names of files there. */
export type RegistryCertificates = {
  readonly registry: string;
  readonly ca: readonly string[];
  readonly clients: readonly { readonly cert: string; readonly key: string }[];
};

const dockerDirectory = "/etc/docker/certs.d/";

/** Registries that have certificates, by host and port. A `.cert` goes with the `.key` of its name. */
export function registryCertificates(files: readonly HostText[]): ReadonlyMap<string, RegistryCertificates> {
  const byRegistry = new Map<string, string[]>();
  for (const { path } of files) {
    const [registry = "", name, ...deeper] = path.slice(dockerDirectory.length).split("/");
    if (!path.startsWith(dockerDirectory) || name === undefined || deeper.length > 0) continue;
    byRegistry.set(registry, [...(byRegistry.get(registry) ?? []), name].sort());
  }
  return new Map(
    [...byRegistry].map(([registry, names]) => {
      const certs = names.filter((name) => name.endsWith(".cert"));
      const pairs = certs.map((cert) => ({ cert, key: cert.replace(/cert$/, "key") }));
      const clients = pairs.filter(({ key }) => names.includes(key));
      return [registry, { registry, ca: names.filter((name) => name.endsWith(".crt")), clients }];
    }),
  );
}

/**
 * A hosts.toml: `hosts` in order, then `server` itself, or the registry's own where that is undefined. Certificates are named
 * by their place below `directory`, as those of a mirror lie in another registry's. Source: containerd docs/hosts.md.
 */
export function formatHostsToml({
  server,
  hosts,
  directory,
  comment,
}: {
  readonly server: string | undefined;
  readonly hosts: readonly HostLine[];
  readonly directory: string;
  readonly comment: readonly string[];
}): string {
  const tables: TomlTable = {};
  for (const line of hosts) {
    const { ca, clients } = certificatesOf(line, directory);
    tables[line.url] = {
      capabilities: ["pull", "resolve"],
      ...(line.skipVerify === true && { skip_verify: true }),
      ...(line.overridePath === true && { override_path: true }),
      ...(ca.length > 0 && { ca }),
      ...(clients.length > 0 && { client: clients }),
    };
  }
  return formatToml({ ...(server !== undefined && { server }), host: tables }, comment);
}

function certificatesOf(
  { certificates, files = {} }: HostLine,
  directory: string,
): { ca: string[]; clients: string[][] } {
  const at = (name: string) => `${directory}/${certificates?.registry ?? ""}/${name}`;
  const { ca, cert, key } = files;
  return {
    ca: [...(certificates?.ca ?? []).map(at), ...(ca === undefined ? [] : [ca])],
    clients: [
      ...(certificates?.clients ?? []).map((pair) => [at(pair.cert), at(pair.key)]),
      ...(cert === undefined || key === undefined ? [] : [[cert, key]]),
    ],
  };
}
