import assert from "node:assert/strict";
import test from "node:test";
import { sampleReport } from "#test/support/sample-report.ts";
import { sarifReport } from "./sarif-report.ts";

type Sarif = {
  version: string;
  runs: {
    tool: { driver: { rules: { id: string }[] } };
    invocations: { executionSuccessful: boolean }[];
    results: { ruleId: string; level: string; message: { text: string }; locations: Record<string, unknown>[] }[];
  }[];
};

test("findings become results with levels, and files with lines become places", () => {
  const { version, runs } = JSON.parse(sarifReport(sampleReport())) as Sarif;
  const [run] = runs;
  assert.equal(version, "2.1.0");
  assert.deepEqual(
    run?.results.map(({ ruleId, level }) => [ruleId, level]),
    [
      ["docker-socket-mount", "error"],
      ["log-parser", "error"],
      ["hostile-name", "warning"],
      ["docker-group", "note"],
    ],
  );
  assert.deepEqual(run?.results[1]?.locations, [
    {
      physicalLocation: { artifactLocation: { uri: "manifests/fluentd.yaml" }, region: { startLine: 12 } },
      logicalLocations: [{ fullyQualifiedName: "ConfigMap/kube-system/fluentd" }],
    },
  ]);
  assert.equal(run?.invocations[0]?.executionSuccessful, true);
  assert.match(run?.results[0]?.message.text ?? "", /kubectl -n ci patch deployment/);
});

test("a report that lacks what it needed is an unsuccessful run", () => {
  const missing = [{ what: "pods", why: "forbidden", isOptional: false }];
  const { runs } = JSON.parse(sarifReport({ ...sampleReport(), missing })) as Sarif;
  assert.equal(runs[0]?.invocations[0]?.executionSuccessful, false);
});
