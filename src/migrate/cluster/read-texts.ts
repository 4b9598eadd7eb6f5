import type { ObjectRef, TextFacts } from "./cluster-facts.ts";
import type { Field } from "./field.ts";
import type { Place } from "./place.ts";

/** Words that any check of texts looks for; what has none of them is not kept. */
const matters =
  /docker|containerd|\bcri\b|container_(?:name|fs|label)|k8s_|"POD"|pod_name=|@type\s+tail|\[INPUT\]|type:\s*container|kubenet|weave|flannel|cgroup|criSocket|\bnerdctl\b|\bcrictl\b|kaniko|buildah|hostPath/i;

const maxTextLength = 2 * 1024 * 1024;
const maxDepth = 16;

export function mayMatter(text: string): boolean {
  return matters.test(text);
}

/** The strings of a ConfigMap or a custom resource that may matter. */
export function readTexts(object: Field, place: Place, ref: ObjectRef): TextFacts[] {
  if (ref.kind === "ConfigMap") {
    return object
      .at("data")
      .entries()
      .flatMap(([name, field]) => textOf(field, name, place, ref));
  }
  const found: TextFacts[] = [];
  const visit = (field: Field, name: string, depth: number) => {
    if (depth > maxDepth) return;
    found.push(...textOf(field, name, place, ref));
    for (const [key, member] of field.entries()) visit(member, key, depth + 1);
    for (const item of field.items()) visit(item, name, depth + 1);
  };
  for (const [key, member] of object.entries()) if (key !== "metadata" && key !== "status") visit(member, key, 0);
  return found;
}

function textOf({ text, path }: Field, name: string, place: Place, ref: ObjectRef): TextFacts[] {
  if (text === undefined || text.length > maxTextLength || !matters.test(text)) return [];
  return [{ ref, place, field: path, name, text }];
}
