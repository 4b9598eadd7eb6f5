import assert from "node:assert/strict";
import test from "node:test";
import type { Finding } from "../assess/finding.ts";
import { findingLines } from "./table-report.ts";

test("what somebody named so that a terminal would obey it is shown as it is", () => {
  const finding: Finding = {
    check: "c",
    severity: "low",
    title: "pod a/\x1b[2Jb: x",
    why: "It is.",
    subject: { t: "cluster" },
    evidence: [{ t: "system", what: "w", excerpt: "one\r\x9b1mtwo" }],
    fix: { summary: "Do.", commands: ["rm '\x07'"] },
  };
  const lines = findingLines(finding, { width: 80, color: true });
  assert.equal(lines[0], "\x1b[36mLOW     \x1b[0mpod a/\\x1b[2Jb: x  [c]");
  assert.doesNotMatch(lines.slice(1).join("\n"), /[\p{Cc}--\n]/v);
  assert.ok(lines.includes("          rm '\\x07'"));
});
