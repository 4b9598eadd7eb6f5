import type { HostRoot } from "./host-root.ts";
import type { RunningHost } from "./running-host.ts";
import type { Fact, Source } from "./source.ts";

/** Installed packages and their versions, as far as they can be told. */
export type Packages = { readonly find: (name: string) => Fact<string> | undefined };

const statusPath = "/var/lib/dpkg/status";
const maxStatusBytes = 64 << 20;

/** From dpkg's own file, which a copy has too; from `rpm` on a running host. */
export async function readPackages(root: HostRoot, running?: RunningHost): Promise<Packages> {
  const status = await root.findText(statusPath, maxStatusBytes);
  const found = status === undefined ? await askRpm(running) : parseDpkgStatus(status);
  return { find: (name) => found.get(name) };
}

/** Packages of dpkg's status file that are installed. */
function parseDpkgStatus(text: string): Map<string, Fact<string>> {
  const found = new Map<string, Fact<string>>();
  let line = 1;
  for (const paragraph of text.split("\n\n")) {
    const name = /^Package: (.+)$/m.exec(paragraph)?.[1];
    const version = /^Version: (.+)$/m.exec(paragraph)?.[1];
    if (name !== undefined && version !== undefined && /^Status: \S+ \S+ installed$/m.test(paragraph)) {
      const source: Source = { t: "file", path: statusPath, line, excerpt: `${name} ${version}` };
      found.set(name, { value: withoutEpoch(version), source });
    }
    line += paragraph.split("\n").length + 1;
  }
  return found;
}

async function askRpm(running: RunningHost | undefined): Promise<Map<string, Fact<string>>> {
  const what = "rpm -qa";
  const text = await running?.ask(["rpm", "-qa", "--queryformat", "%{NAME} %{VERSION}-%{RELEASE}\\n"]);
  return new Map(
    (text ?? "").split("\n").flatMap((excerpt) => {
      const [name, version] = excerpt.split(" ");
      if (name === undefined || version === undefined) return [];
      return [[name, { value: version, source: { t: "system", what, excerpt } }] as const];
    }),
  );
}

function withoutEpoch(version: string): string {
  return version.replace(/^\d+:/, "");
}
