import type { JsonObject } from "#base/json.ts";
import {
  architectureSyscalls,
  architectures,
  capabilitySyscalls,
  commonSyscalls,
  tracingSyscalls,
} from "./seccomp-table.ts";

export type SeccompTarget = {
  /** Node's name: `x64`, `arm64`. */
  readonly arch: string;
  readonly kernel: { readonly major: number; readonly minor: number };
  /** Bounding set. */
  readonly capabilities: readonly string[];
};

/** The default profile for a container, in the OCI runtime-spec's form: what is not named fails with EPERM. Pure. */
export function defaultSeccompProfile(target: SeccompTarget): JsonObject {
  return {
    defaultAction: "SCMP_ACT_ERRNO",
    architectures: [...(architectures[target.arch] ?? [])],
    syscalls: [allow([...allowedNames(target)].sort()), ...socketRules, ...personalityRules, ...cloneRules(target)],
  };
}

/** Names allowed whatever their arguments. */
function allowedNames({ arch, kernel, capabilities }: SeccompTarget): Set<string> {
  const hasSafeTracing = kernel.major > 4 || (kernel.major === 4 && kernel.minor >= 8);
  const lists = [
    ...Object.values(commonSyscalls),
    hasSafeTracing ? tracingSyscalls : "",
    architectureSyscalls[arch] ?? "",
    ...capabilities.map((name) => capabilitySyscalls[name] ?? ""),
  ];
  return new Set(lists.flatMap((list) => list.split(/\s+/)).filter((name) => name !== ""));
}

const afAlg = 38;
const afVsock = 40;

/**
 * Every address family but AF_ALG (38) and AF_VSOCK (40), as three ranges: two "not equal" on one argument would be
 * joined by "or" in runc and so let both through.
 */
const socketRules: JsonObject[] = [
  allow(["socket"], { index: 0, value: afAlg, op: "SCMP_CMP_LT" }),
  allow(["socket"], { index: 0, value: afAlg + 1, op: "SCMP_CMP_EQ" }),
  allow(["socket"], { index: 0, value: afVsock, op: "SCMP_CMP_GT" }),
];

/** PER_LINUX, PER_LINUX32, both with UNAME26, and the query. */
const personalityRules: JsonObject[] = [0x0, 0x8, 0x20000, 0x20008, 0xffffffff].map((value) =>
  allow(["personality"], { index: 0, value, op: "SCMP_CMP_EQ" }),
);

/** NEWNS, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET, NEWCGROUP. Source: linux/sched.h. */
const namespaceFlags = 0x7e020000;
const enosys = 38;

/** Without CAP_SYS_ADMIN: threads and processes, no namespaces; clone3, whose flags no filter can see, is not there. */
function cloneRules({ arch, capabilities }: SeccompTarget): JsonObject[] {
  if (capabilities.includes("CAP_SYS_ADMIN")) return [];
  // s390 has the flags second.
  const index = arch === "s390x" ? 1 : 0;
  return [
    allow(["clone"], { index, value: namespaceFlags, valueTwo: 0, op: "SCMP_CMP_MASKED_EQ" }),
    { names: ["clone3"], action: "SCMP_ACT_ERRNO", errnoRet: enosys },
  ];
}

function allow(names: string[], argument?: JsonObject): JsonObject {
  return { names, action: "SCMP_ACT_ALLOW", ...(argument !== undefined && { args: [argument] }) };
}
