import assert from "node:assert/strict";
import test from "node:test";
import { formatPlatform, hostPlatform, parsePlatform, platformRank } from "./platform.ts";

const amd64 = hostPlatform({ platform: "linux", arch: "x64" });
const read = (text: string) => parsePlatform(text, amd64);

test("platforms are read in every spelling", () => {
  const table: [string, string][] = [
    ["linux/amd64", "linux/amd64"],
    ["linux/x86_64", "linux/amd64"],
    ["Linux/AMD64", "linux/amd64"],
    ["linux/amd64/v1", "linux/amd64"],
    ["linux/amd64/v3", "linux/amd64/v3"],
    ["aarch64", "linux/arm64"],
    ["linux/arm64/v8", "linux/arm64"],
    ["linux/arm64/8", "linux/arm64"],
    ["linux/arm", "linux/arm/v7"],
    ["linux/arm/v6", "linux/arm/v6"],
    ["armhf", "linux/arm/v7"],
    ["armel", "linux/arm/v6"],
    ["i386", "linux/386"],
    ["linux", "linux/amd64"],
    ["windows", "windows/amd64"],
    ["macos", "darwin/amd64"],
    ["linux/s390x", "linux/s390x"],
    ["linux/riscv64", "linux/riscv64"],
  ];
  for (const [text, want] of table) assert.deepEqual([text, formatPlatform(read(text))], [text, want]);
});

test("what is no platform is refused", () => {
  for (const text of ["", "/", "linux/", "linux/a/b/c", "lunix", "linux/arm 64"]) {
    assert.throws(() => read(text), { kind: "invalidArgument" }, JSON.stringify(text));
  }
});

test("hosts are named as Go names them", () => {
  assert.equal(formatPlatform(hostPlatform({ platform: "linux", arch: "arm64" })), "linux/arm64");
  assert.equal(formatPlatform(hostPlatform({ platform: "linux", arch: "arm", armVersion: "6" })), "linux/arm/v6");
  assert.equal(formatPlatform(hostPlatform({ platform: "linux", arch: "ppc64" })), "linux/ppc64le");
});

test("the rank is 0 for the same, more for what runs too, undefined for what does not", () => {
  const table: [wanted: string, image: string, runs: number | undefined, exact: number | undefined][] = [
    ["linux/amd64", "linux/amd64", 0, 0],
    ["linux/amd64", "linux/386", 1, undefined],
    ["linux/amd64", "linux/amd64/v2", undefined, undefined],
    ["linux/amd64/v3", "linux/amd64/v2", 1, 1],
    ["linux/amd64/v3", "linux/amd64", 2, 2],
    ["linux/amd64", "windows/amd64", undefined, undefined],
    ["linux/arm64", "linux/arm64/v8", 0, 0],
    ["linux/arm64", "linux/arm/v7", 2, undefined],
    ["linux/arm/v7", "linux/arm/v6", 1, 1],
    ["linux/arm/v6", "linux/arm/v7", undefined, undefined],
    ["linux/arm64", "linux/amd64", undefined, undefined],
  ];
  for (const [wanted, image, runs, exact] of table) {
    const ranks = [platformRank(read(wanted), read(image)), platformRank(read(wanted), read(image), { exact: true })];
    assert.deepEqual([wanted, image, ...ranks], [wanted, image, runs, exact]);
  }
});
