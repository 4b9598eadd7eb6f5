import type { HostRoot } from "./host-root.ts";

/** What installs packages here. */
export type PackageManager = "apt" | "dnf" | "yum" | "zypper" | "none";

/** A host's distribution. */
export type OsFacts = {
  /** `debian`, `rhel`; empty when `/etc/os-release` does not say. */
  readonly id: string;
  readonly version: string;
  /** For people: `Debian GNU/Linux 12 (bookworm)`. */
  readonly name: string;
  readonly packageManager: PackageManager;
};

const families: readonly { readonly ids: readonly string[]; readonly manager: PackageManager }[] = [
  { ids: ["debian", "ubuntu"], manager: "apt" },
  { ids: ["rhel", "fedora", "centos", "amzn"], manager: "dnf" },
  { ids: ["suse", "opensuse", "sles"], manager: "zypper" },
];

export async function readOs(root: HostRoot): Promise<OsFacts> {
  const text = (await root.findText("/etc/os-release")) ?? (await root.findText("/usr/lib/os-release")) ?? "";
  const values = parseOsRelease(text);
  const id = values.get("ID") ?? "";
  const ids = [id, ...(values.get("ID_LIKE") ?? "").split(" ")].map((one) => one.replace(/-.*/, ""));
  const family = families.find((one) => one.ids.some((known) => ids.includes(known)))?.manager ?? "none";
  const manager = family === "dnf" && !(await root.exists("/usr/bin/dnf")) ? "yum" : family;
  return {
    id,
    version: values.get("VERSION_ID") ?? "",
    name: values.get("PRETTY_NAME") ?? id,
    packageManager: manager,
  };
}

/** Shell-like assignments; os-release(5). */
function parseOsRelease(text: string): Map<string, string> {
  const lines = text.split("\n").flatMap((line) => {
    const match = /^([A-Z_0-9]+)=(["']?)(.*)\2\s*$/.exec(line);
    return match === null ? [] : [[match[1] ?? "", match[3] ?? ""] as const];
  });
  return new Map(lines);
}
