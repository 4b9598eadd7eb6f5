import { EngineError } from "#base/errors.ts";
import type { Call } from "../call.ts";
import type { PackageManager } from "../host/read-os.ts";
import type { Commands } from "./commands.ts";

/** Installed packages and their versions. */
export type PackageVersions = ReadonlyMap<string, string>;

/** What a package manager is asked to do, as argv. */
type Manager = {
  readonly list: readonly string[];
  readonly install: readonly string[];
  /** Another version than the installed one, an older one too. */
  readonly replace: readonly string[];
  readonly remove: readonly string[];
  /** `name=version`, as this manager writes it. */
  readonly pin: (name: string, version: string) => string;
};

const dpkgFormat = ["db:Status-Status", "Package", "Version"].map((field) => `$\{${field}}`).join("\\t") + "\\n";
const rpmList = ["rpm", "--query", "--all", "--queryformat", String.raw`%{NAME}\t%{VERSION}-%{RELEASE}\n`];
/** Keys stand in rpm's list as packages, several of one name; no package manager installs them. */
const rpmKeys = "gpg-pubkey";
const rpmPin = (name: string, version: string) => `${name}-${version}`;

/**
 * No questions, no recommended packages; a configuration file that was changed here stays. Whoever holds dpkg's lock is
 * waited for: unattended upgrades, or what a run that was killed has begun.
 */
const waiting = ["--option", "DPkg::Lock::Timeout=300"];
const apt = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "--yes", "--no-install-recommends", ...waiting];
const keepConfiguration = [
  "--option",
  "Dpkg::Options::=--force-confdef",
  "--option",
  "Dpkg::Options::=--force-confold",
];

const managers: Readonly<Record<Exclude<PackageManager, "none">, Manager>> = {
  apt: {
    list: ["dpkg-query", "--show", "--showformat", dpkgFormat],
    install: [...apt, ...keepConfiguration, "install"],
    replace: [...apt, ...keepConfiguration, "--allow-downgrades", "install"],
    remove: [...apt, "purge"],
    pin: (name, version) => `${name}=${version}`,
  },
  dnf: {
    list: rpmList,
    install: ["dnf", "--assumeyes", "install"],
    replace: ["dnf", "--assumeyes", "downgrade"],
    remove: ["dnf", "--assumeyes", "--noautoremove", "remove"],
    pin: rpmPin,
  },
  yum: {
    list: rpmList,
    install: ["yum", "--assumeyes", "install"],
    replace: ["yum", "--assumeyes", "downgrade"],
    remove: ["yum", "--assumeyes", "remove"],
    pin: rpmPin,
  },
  zypper: {
    list: rpmList,
    install: ["zypper", "--non-interactive", "install", "--no-recommends"],
    replace: ["zypper", "--non-interactive", "install", "--oldpackage"],
    remove: ["zypper", "--non-interactive", "remove"],
    pin: rpmPin,
  },
};

/** Every installed package; none where the node has no package manager. */
export async function listPackages(call: Call, commands: Commands, manager: PackageManager): Promise<PackageVersions> {
  if (manager === "none") return new Map();
  const text = await commands.run(call, managers[manager].list);
  const rows = text.split("\n").map((line) => line.split("\t"));
  const installed =
    manager === "apt" ? rows.filter(([status]) => status === "installed").map((row) => row.slice(1)) : rows;
  return new Map(
    installed
      .map(([name = "", version = ""]) => [name, version] as const)
      .filter(([name]) => name !== "" && name !== rpmKeys),
  );
}

/** @throws failedPrecondition without a package manager @throws internal with what the manager wrote */
export async function installPackages(
  call: Call,
  commands: Commands,
  wanted: { readonly manager: PackageManager; readonly packages: readonly string[] },
): Promise<void> {
  if (wanted.packages.length === 0) return;
  if (wanted.manager === "none") {
    throw new EngineError("failedPrecondition", `packages ${wanted.packages.join(", ")}: no package manager here`);
  }
  await commands.run(call, [...managers[wanted.manager].install, ...wanted.packages]);
}

export async function removePackages(
  call: Call,
  commands: Commands,
  wanted: { readonly manager: PackageManager; readonly packages: readonly string[] },
): Promise<void> {
  if (wanted.manager === "none" || wanted.packages.length === 0) return;
  await commands.run(call, [...managers[wanted.manager].remove, ...wanted.packages]);
}

/** Makes the set of packages what it was: what came since goes, what changed its version goes back to the old one. */
export async function restorePackages(
  call: Call,
  commands: Commands,
  before: { readonly manager: PackageManager; readonly versions: PackageVersions },
): Promise<void> {
  const { manager, versions } = before;
  if (manager === "none") return;
  const now = await listPackages(call, commands, manager);
  const added = [...now.keys()].filter((name) => !versions.has(name));
  await removePackages(call, commands, { manager, packages: added });
  const changed = [...versions].filter(([name, version]) => now.get(name) !== version);
  if (changed.length === 0) return;
  const { replace, pin } = managers[manager];
  await commands.run(call, [...replace, ...changed.map(([name, version]) => pin(name, version))]);
}
