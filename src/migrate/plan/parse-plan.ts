import { EngineError } from "#base/errors.ts";
import { JsonReader } from "#base/json-reader.ts";
import { decodeAction, decodeTarget } from "./decode-action.ts";
import type { Plan, Step } from "./step.ts";

const maxPlanBytes = 64 << 20;
const maxSteps = 200;

/**
 * Reads a plan file, whose every value an executor may then rely on.
 *
 * @throws invalidArgument for what is no plan, names an unknown kind of step, or is of another version
 */
export function parsePlan(text: string): Plan {
  const json = JsonReader.parse(Buffer.from(text), "plan", maxPlanBytes);
  if (json.at("kind").optionalString() === "cluster") {
    throw new EngineError("invalidArgument", "plan: it is the order of many nodes, for ferry migrate cluster");
  }
  const version = json.at("version").size();
  if (version !== 1) {
    throw new EngineError(
      "invalidArgument",
      `plan: version ${version}, this ferry knows version 1; make the plan anew`,
    );
  }
  const from = json.at("from");
  const plan: Plan = {
    version: 1,
    node: json.at("node").string(),
    target: decodeTarget(json.at("target")),
    madeAt: json.at("madeAt").string(),
    from: {
      kubelet: from.at("kubelet").string(),
      runtime: from.at("runtime").string(),
      layout: from.at("layout").string(),
    },
    steps: json.at("steps").list(maxSteps).map(decodeStep),
    notes: json.at("notes").strings(1000),
  };
  const ids = new Set(plan.steps.map(({ id }) => id));
  if (ids.size !== plan.steps.length) throw new EngineError("invalidArgument", "plan: two steps of one id");
  return plan;
}

/** As a file: `parsePlan` of it is the same plan. Holds what Docker's configuration held, so keep it from others. */
export function formatPlan(plan: Plan): string {
  return `${JSON.stringify(plan, undefined, 2)}\n`;
}

function decodeStep(json: JsonReader): Step {
  const id = json.at("id").string();
  // It names a directory of undo data.
  if (!/^[a-z0-9][a-z0-9-]{0,63}$/.test(id)) json.at("id").fail("is not an id");
  return { id, title: json.at("title").string(), why: json.at("why").string(), ...decodeAction(json) };
}
