import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import test from "node:test";
import type { JsonObject } from "#base/json.ts";
import { knownCapabilities } from "./capabilities.ts";
import { defaultSeccompProfile } from "./seccomp.ts";

const kernel = { major: 6, minor: 18 };

type Argument = { index: number; value: number; valueTwo?: number; op: string };

/** Every permission as one line, `name when <arguments>`, sorted: two profiles with the same lines act the same. */
function effect(profile: JsonObject): string[] {
  const lines = new Set<string>();
  const rules = profile["syscalls"] as { names: string[]; action: string; args?: Argument[]; errnoRet?: number }[];
  for (const { names, action, args = [], errnoRet } of rules) {
    const condition = args
      .map(({ index, value, valueTwo, op }) => `${index} ${op} ${value} ${valueTwo ?? 0}`)
      .join(" and ");
    for (const name of names) lines.add(`${name} ${action} ${errnoRet ?? "-"} [${condition}]`);
  }
  return [...lines].sort();
}

function digestOf(arch: string, capabilities: string[]): string {
  const text = effect(defaultSeccompProfile({ arch, kernel, capabilities })).join("\n");
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

test("the effect equals containerd's default profile (digests of its rules for v2.4, per architecture and capability)", () => {
  const actual: Record<string, string> = {};
  for (const arch of ["x64", "arm64", "s390x", "riscv64", "ppc64"]) {
    actual[arch] = digestOf(arch, []);
    actual[`${arch} all`] = digestOf(arch, [...knownCapabilities]);
  }
  for (const name of knownCapabilities) {
    const digest = digestOf("x64", [name]);
    if (digest !== actual["x64"]) actual[name] = digest;
  }
  assert.deepEqual(actual, expected);
});

test("a namespace cannot be made without CAP_SYS_ADMIN, and clone3 is said to be missing", () => {
  const without = effect(defaultSeccompProfile({ arch: "x64", kernel, capabilities: [] }));
  assert.ok(without.includes("clone SCMP_ACT_ALLOW - [0 SCMP_CMP_MASKED_EQ 2114060288 0]"));
  assert.ok(without.includes("clone3 SCMP_ACT_ERRNO 38 []"));
  assert.ok(!without.some((line) => /^(mount|setns|unshare|bpf|keyctl|add_key|userfaultfd) /.test(line)));
});

test("tracing is allowed only since Linux 4.8", () => {
  const old = effect(defaultSeccompProfile({ arch: "x64", kernel: { major: 4, minor: 7 }, capabilities: [] }));
  assert.ok(!old.some((line) => line.startsWith("ptrace ")));
});

const expected: Record<string, string> = {
  x64: "5b8befaa362e7b0a",
  "x64 all": "9007adaaee32a137",
  arm64: "382461202419ded8",
  "arm64 all": "7477759e7b5301a0",
  s390x: "d619d5af151455ba",
  "s390x all": "4fbf0c6c160656ef",
  riscv64: "a1e23e43e629ea7e",
  "riscv64 all": "97d6b779de742631",
  ppc64: "1417a9fd1c968d6d",
  "ppc64 all": "78e9406fcd1013af",
  CAP_DAC_READ_SEARCH: "02aafd3f20132c98",
  CAP_SYS_MODULE: "483367faab69c067",
  CAP_SYS_RAWIO: "6d020cd20cf8e941",
  CAP_SYS_CHROOT: "d6a4f78cb43cfb82",
  CAP_SYS_PTRACE: "11bca45093b8a7e0",
  CAP_SYS_PACCT: "3e4e5e3e847b76a3",
  CAP_SYS_ADMIN: "902203e16b3a36e3",
  CAP_SYS_BOOT: "74bc819a58c4fb83",
  CAP_SYS_NICE: "e657cbc17f334b60",
  CAP_SYS_TIME: "4dcda756a579a08e",
  CAP_SYS_TTY_CONFIG: "66ad5127c3b76220",
  CAP_SYSLOG: "b0b239b66e2b2e39",
  CAP_PERFMON: "0b164db748a7ac4c",
  CAP_BPF: "cafbfe74075a0993",
};
