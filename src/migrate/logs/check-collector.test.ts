import assert from "node:assert/strict";
import test from "node:test";
import { checkCollector } from "./check-collector.ts";
import { collectorSettings } from "./collector-settings.ts";

for (const { collector, settings } of collectorSettings) {
  test(`our settings for ${collector} read every sample in CRI format`, () => {
    const findings = checkCollector(settings);
    assert.ok(findings.length > 0);
    assert.deepEqual(
      findings.flatMap(({ failing }) => failing),
      [],
    );
    assert.ok(findings.every(({ reads }) => reads === "cri" || reads === "both"));
  });
}

const dockerOnly: Record<string, string> = {
  fluentd: "<parse>\n  @type json\n  time_format %Y-%m-%dT%H:%M:%S.%NZ\n</parse>",
  "fluent-bit": "[INPUT]\n    Name tail\n    Parser docker\n    Docker_Mode On",
  filebeat: "filebeat.inputs:\n- type: docker\n  containers.ids:\n  - '*'",
  promtail: "pipeline_stages:\n  - docker: {}",
  vector: "sources:\n  docker:\n    type: docker_logs",
};

for (const [collector, config] of Object.entries(dockerOnly)) {
  test(`settings of ${collector} that read Docker's lines only are found`, () => {
    const findings = checkCollector(config);
    assert.deepEqual([...new Set(findings.map((finding) => finding.reads))], ["json-file"]);
    assert.deepEqual([...new Set(findings.map((finding) => finding.collector))], [collector]);
    assert.ok(findings.every(({ failing }) => failing.length > 0));
  });
}

test("an expression that wants a literal Z fails on times with an offset only", () => {
  const [finding] = checkCollector(
    String.raw`expression /^(?<time>.+Z) (?<stream>stdout|stderr) (?<logtag>[FP]) (?<log>.*)$/`,
  );
  assert.equal(finding?.reads, "cri");
  assert.deepEqual(
    finding?.failing.map(({ about }) => about),
    ["a time with an offset"],
  );
});

test("an expression beyond us is unknown, not wrong", () => {
  assert.deepEqual(
    checkCollector("expression /^(?<time>[^ ]++) (/").map(({ reads }) => reads),
    ["unknown"],
  );
});

test("an expression that comes to no end is unknown", { timeout: 60_000 }, () => {
  const [finding] = checkCollector("expression /^(?<log>(?:(?:\\S+)+ ?)+)!$/");
  assert.equal(finding?.reads, "unknown");
});
