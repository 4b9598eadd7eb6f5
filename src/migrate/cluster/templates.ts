import { lookUp } from "#base/look-up.ts";
import type { Field } from "./field.ts";

/** Where a kind keeps its pod's template; `spec` and `metadata` stand in it. */
const templatePaths: Readonly<Record<string, readonly string[]>> = {
  Deployment: ["spec", "template"],
  DaemonSet: ["spec", "template"],
  StatefulSet: ["spec", "template"],
  ReplicaSet: ["spec", "template"],
  ReplicationController: ["spec", "template"],
  Job: ["spec", "template"],
  CronJob: ["spec", "jobTemplate", "spec", "template"],
  PodTemplate: ["template"],
};

/** A pod's `spec` and the `metadata` that goes with it, within an object. */
export type Template = { readonly spec: Field; readonly metadata: Field };

const maxDepth = 16;
const maxTemplates = 200;

export function isWorkloadKind(kind: string): boolean {
  return Object.hasOwn(templatePaths, kind);
}

export function templateOf(object: Field, kind: string): Template | undefined {
  const template = object.at(...(lookUp(templatePaths, kind) ?? []));
  return template.at("spec").isPresent ? { spec: template.at("spec"), metadata: template.at("metadata") } : undefined;
}

/** Pod specifications wherever they stand in a custom resource: what has a list of containers, or of Tekton's steps. */
export function findTemplates(object: Field): Template[] {
  const found: Template[] = [];
  const visit = (field: Field, around: Field, depth: number) => {
    if (depth > maxDepth || found.length >= maxTemplates) return;
    if (isPodSpec(field)) {
      found.push({ spec: field, metadata: around.at("metadata") });
      return;
    }
    for (const [, member] of field.entries()) visit(member, field, depth + 1);
    for (const item of field.items()) visit(item, field, depth + 1);
  };
  visit(object, object, 0);
  return found;
}

function isPodSpec(field: Field): boolean {
  return ["containers", "initContainers", "steps"].some((list) =>
    field
      .at(list)
      .items()
      .some((one) => one.at("image").text !== undefined),
  );
}
