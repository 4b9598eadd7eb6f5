import assert from "node:assert/strict";
import test from "node:test";
import {
  blocksOverlap,
  findIpAddress,
  formatIpAddress,
  formatIpBlock,
  parseIpAddress,
  parseIpBlock,
  reverseName,
} from "./ip-address.ts";

test("addresses survive parse and format in their short form", () => {
  const forms = [
    ["0.0.0.0", "0.0.0.0"],
    ["172.17.255.1", "172.17.255.1"],
    ["::", "::"],
    ["::1", "::1"],
    ["fd00::", "fd00::"],
    ["FD00:0:0:1::2", "fd00:0:0:1::2"],
    ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"],
    ["::ffff:10.0.0.1", "::ffff:a00:1"],
  ] as const;
  assert.deepEqual(
    forms.map(([text]) => formatIpAddress(parseIpAddress(text))),
    forms.map(([, short]) => short),
  );
});

test("what is no address is refused", () => {
  const bad = [
    "",
    "1.2.3",
    "256.1.1.1",
    "01.2.3.4",
    "1.2.3.4.5",
    ":",
    ":::",
    "1::2::3",
    "12345::",
    "g::",
    "1:2:3:4:5:6:7",
  ];
  assert.deepEqual(
    bad.filter((text) => findIpAddress(text) !== undefined),
    [],
  );
  for (const text of ["10.0.0.0", "10.0.0.0/33", "10.0.0.0/a", "x/8", "10.0.0.0/8/8"]) {
    assert.throws(() => parseIpBlock(text), { kind: "invalidArgument" });
  }
});

test("blocks drop host bits and know what overlaps", () => {
  assert.equal(formatIpBlock(parseIpBlock("10.1.2.3/16")), "10.1.0.0/16");
  assert.equal(blocksOverlap(parseIpBlock("10.0.0.0/8"), parseIpBlock("10.9.0.0/24")), true);
  assert.equal(blocksOverlap(parseIpBlock("10.0.0.0/24"), parseIpBlock("10.0.1.0/24")), false);
  assert.equal(blocksOverlap(parseIpBlock("::/0"), parseIpBlock("10.0.1.0/24")), false);
});

test("reverse names", () => {
  assert.equal(reverseName(parseIpAddress("172.17.0.2")), "2.0.17.172.in-addr.arpa");
  assert.match(reverseName(parseIpAddress("fd00::2")), /^2\.0\.0(\.0)+\.d\.f\.ip6\.arpa$/);
});
