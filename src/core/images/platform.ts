import { EngineError } from "#base/errors.ts";

/** Operating system and processor of an image. Source: OCI image-spec image-index.md, `platform`. */
export type Platform = {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
  readonly osVersion?: string;
  readonly osFeatures?: readonly string[];
};

/**
 * Reads `linux/arm/v7`, `linux/amd64`, `arm64` (on Linux) or `linux` (this machine's processor).
 * @throws invalidArgument
 */
export function parsePlatform(text: string, host: Platform): Platform {
  const parts = text.toLowerCase().split("/");
  const [first = "", architecture, variant] = parts;
  if (parts.length > 3 || !parts.every((part) => /^[a-z0-9_.-]+$/.test(part))) {
    throw new EngineError("invalidArgument", `platform ${JSON.stringify(text)}: not os[/architecture[/variant]]`);
  }
  if (architecture !== undefined) {
    return normalisePlatform({ os: first, architecture, ...(variant === undefined ? {} : { variant }) });
  }
  if (knownSystems.has(first)) return normalisePlatform({ ...host, os: first });
  const lone = normalisePlatform({ os: "linux", architecture: first });
  if (knownArchitectures.has(lone.architecture)) return lone;
  throw new EngineError(
    "invalidArgument",
    `platform ${JSON.stringify(text)}: unknown operating system or architecture`,
  );
}

/** `linux/arm/v7`. */
export function formatPlatform(platform: Platform): string {
  const { os, architecture, variant } = normalisePlatform(platform);
  return variant === undefined ? `${os}/${architecture}` : `${os}/${architecture}/${variant}`;
}

/**
 * Go's names, and only the variants that say something: `x86_64` is `amd64`, `arm64/v8` is `arm64`, `arm` is `arm/v7`.
 * Source: containerd's platforms package, which OCI tools follow.
 */
export function normalisePlatform(platform: Platform): Platform {
  const { variant: written, ...rest } = platform;
  const os = platform.os.toLowerCase();
  const [architecture, implied] = aliases[platform.architecture.toLowerCase()] ?? [platform.architecture.toLowerCase()];
  const spelled = written === undefined || written === "" ? implied : written.toLowerCase();
  const variant = canonicalVariant(architecture, spelled);
  return { ...rest, os: os === "macos" ? "darwin" : os, architecture, ...(variant === undefined ? {} : { variant }) };
}

/** Whether an image for `candidate` is one for `wanted`, variants that mean the same counted as equal. */
export function samePlatform(wanted: Platform, candidate: Platform): boolean {
  return platformRank(wanted, candidate) === 0;
}

/**
 * How well `candidate` runs on `wanted`: 0 is it, more is worse, undefined not at all.
 *
 * Newer processors run older variants (`arm/v7` runs `v6`), and 64-bit ones 32-bit programs unless `exact`.
 */
export function platformRank(
  wanted: Platform,
  candidate: Platform,
  options: { exact?: boolean } = {},
): number | undefined {
  const host = normalisePlatform(wanted);
  const image = normalisePlatform(candidate);
  if (host.os !== image.os) return undefined;
  const runs = [{ architecture: host.architecture, variants: variantsBelow(host) }];
  const narrower = options.exact === true ? undefined : narrowerOf[host.architecture];
  if (narrower !== undefined) runs.push(narrower);
  let rank = 0;
  for (const { architecture, variants } of runs) {
    const at = architecture === image.architecture ? variants.indexOf(image.variant ?? "") : -1;
    if (at >= 0) return rank + at;
    rank += variants.length;
  }
  return undefined;
}

/** The platform of a machine in Node's words (`process.platform`, `process.arch`, `process.config.variables.arm_version`). */
export function hostPlatform(machine: { platform: string; arch: string; armVersion?: string }): Platform {
  const architecture = nodeArchitectures[machine.arch] ?? machine.arch;
  const variant = architecture === "arm" ? `v${machine.armVersion ?? "7"}` : undefined;
  return normalisePlatform({
    os: machine.platform === "win32" ? "windows" : machine.platform,
    architecture,
    ...(variant === undefined ? {} : { variant }),
  });
}

const nodeArchitectures: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386", ppc64: "ppc64le" };

const aliases: Readonly<Record<string, readonly [string, string?]>> = {
  i386: ["386"],
  i686: ["386"],
  x86_64: ["amd64"],
  "x86-64": ["amd64"],
  aarch64: ["arm64"],
  armhf: ["arm", "v7"],
  armel: ["arm", "v6"],
};

const knownSystems = new Set(
  "aix android darwin dragonfly freebsd illumos ios js linux macos netbsd openbsd plan9 solaris windows".split(" "),
);
const knownArchitectures = new Set(
  "386 amd64 arm arm64 loong64 mips mipsle mips64 mips64le ppc64 ppc64le riscv64 s390x wasm".split(" "),
);

const armVariants = ["v8", "v7", "v6", "v5"];
const narrowerOf: Readonly<Record<string, { architecture: string; variants: readonly string[] }>> = {
  amd64: { architecture: "386", variants: [""] },
  arm64: { architecture: "arm", variants: armVariants },
};

/** `undefined` where the variant is what the architecture means anyway. */
function canonicalVariant(architecture: string, variant: string | undefined): string | undefined {
  const named = variant !== undefined && /^\d+$/.test(variant) ? `v${variant}` : variant;
  if (architecture === "arm") return named ?? "v7";
  if (architecture === "arm64" && (named === "v8" || named === "v8.0")) return undefined;
  if (architecture === "amd64" && named === "v1") return undefined;
  return named === "" ? undefined : named;
}

/** Variants that a processor of `platform` runs, best first; the empty one is the base line. */
function variantsBelow({ architecture, variant }: Platform): readonly string[] {
  if (variant === undefined) return [""];
  const number = Number(/^v(\d+)$/.exec(variant)?.[1] ?? Number.NaN);
  if (architecture === "arm" && armVariants.includes(variant)) return armVariants.slice(armVariants.indexOf(variant));
  if (architecture === "amd64" && number > 1) {
    return [...Array.from({ length: number - 1 }, (_, below) => `v${number - below}`), ""];
  }
  return architecture === "arm64" ? [variant, ""] : [variant];
}
