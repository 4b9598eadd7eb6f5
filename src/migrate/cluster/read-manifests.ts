import type { Call } from "../call.ts";
import { stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { messageOf } from "#base/errors.ts";
import { HostRoot } from "../host/host-root.ts";
import type { ClusterFacts } from "./cluster-facts.ts";
import { FactsBuilder } from "./facts-builder.ts";
import type { Field } from "./field.ts";
import { parseManifest, type ManifestObject } from "./parse-manifest.ts";
import { mayMatter } from "./read-texts.ts";
import { isWorkloadKind } from "./templates.ts";

const maxFileBytes = 32 * 1024 * 1024;
const maxFiles = 50_000;
const maxDepth = 40;
const passedOver = new Set([".git", "node_modules", ".terraform", ".svn", ".hg"]);
const manifestNames = /\.(?:ya?ml|json)$/i;
const textNames =
  /(?:^|\/)(?:Jenkinsfile|Dockerfile|Makefile|\.gitlab-ci\.yml|crontab)[^/]*$|\.(?:sh|bash|tf|tpl|toml|groovy|conf|service|timer|env|hcl|jsonnet|libsonnet|cue)$/i;

/**
 * Reads manifests below a directory, or one file: YAML and JSON, several documents a file, lists, what Helm and Kustomize print. Files
 * that are no manifests are kept as texts where a word in them may matter. Links out of the directory are not followed.
 *
 * @throws notFound when `directory` is none
 */
export async function readManifests(
  call: Call,
  options: { path: string; progress: (text: string) => void },
): Promise<ClusterFacts> {
  const one = (await stat(options.path).catch(() => undefined))?.isFile() === true ? basename(options.path) : undefined;
  const root = await HostRoot.open(one === undefined ? options.path : dirname(options.path));
  const builder = new FactsBuilder();
  const objects: ManifestObject[] = [];
  let count = 0;
  for await (const path of one === undefined ? files(root, "", 0) : [one]) {
    call.signal.throwIfAborted();
    if (++count > maxFiles) {
      builder.miss({ what: options.path, why: `more than ${maxFiles} files`, isOptional: false });
      break;
    }
    await readFile(root, path, { builder, objects });
    if (count % 50 === 0) options.progress(`files: ${count}`);
  }
  return build(builder, objects, options.path);
}

/** Reads what `helm template` or `kustomize build` printed. */
export function readManifestText(name: string, text: string): ClusterFacts {
  const builder = new FactsBuilder();
  const objects: ManifestObject[] = [];
  addManifest(name, text, { builder, objects });
  return build(builder, objects, name);
}

function build(builder: FactsBuilder, objects: ManifestObject[], name: string): ClusterFacts {
  // Controllers before their pods, wherever the files put them.
  for (const { object, place } of objects.sort((a, b) => rank(a.object) - rank(b.object))) builder.add(object, place);
  return builder.build({ directories: [name] });
}

function rank(object: Field): number {
  const kind = object.at("kind").text ?? "";
  if (kind === "Deployment" || kind === "CronJob") return 0;
  return isWorkloadKind(kind) ? 1 : 2;
}

async function* files(root: HostRoot, directory: string, depth: number): AsyncGenerator<string> {
  if (depth > maxDepth) return;
  for (const name of await root.list(`/${directory}`)) {
    const path = directory === "" ? name : `${directory}/${name}`;
    // Links within the tree lead to what is found by its own name.
    const kind = (await root.find(`/${path}`, { follow: false }))?.kind;
    if (kind === "directory" && !passedOver.has(name)) yield* files(root, path, depth + 1);
    else if (kind === "file" && (manifestNames.test(name) || textNames.test(path))) yield path;
  }
}

type Into = { builder: FactsBuilder; objects: ManifestObject[] };

async function readFile(root: HostRoot, path: string, { builder, objects }: Into): Promise<void> {
  let text: string | undefined;
  try {
    text = await root.findText(`/${path}`, maxFileBytes);
  } catch (error) {
    builder.miss({ what: path, why: messageOf(error), isOptional: false });
  }
  if (text === undefined) return;
  if (manifestNames.test(path)) addManifest(path, text, { builder, objects });
  else addText(builder, path, text);
}

function addManifest(path: string, text: string, { builder, objects }: Into): void {
  const parsed = parseManifest(path, text);
  objects.push(...parsed.objects);
  if (parsed.problem !== undefined) builder.miss({ what: path, why: parsed.problem, isOptional: parsed.isTemplate });
  if (parsed.objects.length === 0) addText(builder, path, text);
}

function addText(builder: FactsBuilder, path: string, text: string): void {
  if (!mayMatter(text)) return;
  builder.addText({
    ref: undefined,
    place: { t: "file", path, lines: new Map(), prefix: "", line: 1 },
    field: "",
    name: path,
    text,
  });
}
