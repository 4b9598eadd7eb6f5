import type { TextFacts, Workload } from "../../cluster/cluster-facts.ts";
import { checkCollector, type ParserFinding } from "../../logs/check-collector.ts";
import { collectorSettings } from "../../logs/collector-settings.ts";
import type { CheckInfo, ClusterCheck } from "../check.ts";
import type { Finding, Fix } from "../finding.ts";
import { textFinding } from "../text-lines.ts";
import { workloadFinding } from "../workload-finding.ts";

const info: CheckInfo = {
  id: "log-parser",
  title: "Log collectors that read Docker's log format only",
  severity: "high",
};

const why =
  "Container logs become lines in CRI format: a parser for Docker's JSON fails on each of them, or passes them on unparsed.";
const parserVariable = "FLUENT_CONTAINER_TAIL_PARSER_TYPE";

/** Parser settings in ConfigMaps and custom resources, and the images whose parser is chosen by a variable. */
export const logParser: ClusterCheck = {
  ...info,
  *find({ workloads, texts }) {
    for (const text of texts) if (text.ref !== undefined) yield* textFindings(text);
    for (const workload of workloads) yield* variableFindings(workload);
  },
};

function* textFindings(text: TextFacts): Generator<Finding> {
  const all = checkCollector(text.text);
  const failing = all.filter((one) => one.reads === "json-file" && isOfContainers(text, one, all));
  const [first] = failing;
  if (first === undefined) return;
  yield textFinding(info, text, {
    matches: failing.map(({ line, setting }) => ({ line, text: setting })),
    says: `${first.collector} reads Docker's log format only`,
    why,
    fix: fixOf(first.collector),
  });
}

/** A JSON parser may be for something else; it counts where container logs are read, and not beside one for CRI. */
function isOfContainers({ text }: TextFacts, { setting }: ParserFinding, all: readonly ParserFinding[]): boolean {
  const readsContainers =
    /\/var\/log\/(?:containers|pods)|\/var\/lib\/docker\/containers|containers\.ids|docker_logs|docker:\s*\{/.test(
      text,
    );
  const isGeneric = /@type\s+json/.test(setting);
  return (readsContainers || !isGeneric) && !all.some(({ reads }) => reads === "cri" || reads === "both");
}

function* variableFindings(workload: Workload): Generator<Finding> {
  for (const { image, env, path, name } of workload.shape.containers) {
    if (!/fluentd-kubernetes-daemonset/.test(image)) continue;
    const variable = env.find((one) => one.name === parserVariable);
    if (variable !== undefined && variable.value !== "json") continue;
    yield workloadFinding(info, workload, {
      at: [
        {
          path: variable?.path ?? `${path}.image`,
          excerpt: variable === undefined ? image : `${parserVariable}=${variable.value}`,
        },
      ],
      says: `container ${name} parses logs as Docker's JSON (${parserVariable} ${variable === undefined ? "is not set" : "is json"})`,
      why,
      fix: {
        summary: `Set ${parserVariable} to cri once the node has moved; images of both kinds of node take a regular expression for both.`,
        patch: `env:\n- name: ${parserVariable}\n  value: cri\n`,
        links: ["https://github.com/fluent/fluentd-kubernetes-daemonset#use-cri-parser-for-containerdcri-o-logs"],
      },
    });
  }
}

function fixOf(collector: string): Fix {
  const settings = collectorSettings.find((one) => one.collector === collector);
  return {
    summary:
      settings === undefined
        ? "Use the collector's parser for CRI logs."
        : `Change ${settings.place}. ${settings.note}`,
    commands: [
      `ferry migrate logs settings${settings === undefined ? "" : ` ${collector}`}`,
      "ferry migrate logs check FILE",
    ],
    ...(settings === undefined ? {} : { patch: settings.settings }),
  };
}
