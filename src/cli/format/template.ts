import { CliError } from "../cli-error.ts";
import { call, format, isTrue, templateFunctions } from "./template-functions.ts";
import { parseTemplate, type Operand, type Pipeline, type TemplateNode } from "./template-parser.ts";

export type TemplateOptions = {
  /** A field that is missing is an error, as in lists; otherwise it is `<no value>`, as in `inspect`. */
  readonly strict: boolean;
};

/**
 * Compiles the part of Go's text/template that Docker's `--format` is used with: fields, variables, pipelines,
 * `if`, `range`, `with`, comparisons, and Docker's own functions (`json`, `join`, `upper`, …).
 *
 * @throws CliError for a template that cannot be read; the result throws it for a value that does not fit
 */
export function compileTemplate(source: string, options: TemplateOptions): (data: unknown) => string {
  const nodes = parseTemplate(source);
  return (data) => {
    const scope: Scope = { strict: options.strict, variables: new Map([["$", data]]), out: [] };
    renderList(nodes, data, scope);
    return scope.out.join("");
  };
}

type Scope = { readonly strict: boolean; readonly variables: Map<string, unknown>; readonly out: string[] };

function renderList(nodes: readonly TemplateNode[], dot: unknown, scope: Scope): void {
  for (const node of nodes) render(node, dot, scope);
}

function render(node: TemplateNode, dot: unknown, scope: Scope): void {
  if (node.t === "text") {
    scope.out.push(node.text);
    return;
  }
  const value = evaluate(node.pipeline, dot, scope);
  if (node.t === "action") {
    if (node.pipeline.declares.length === 0) scope.out.push(format(value));
    else declare(node.pipeline, [value], scope);
  } else if (node.t === "range") renderRange(node, value, dot, scope);
  else if (isTrue(value)) {
    declare(node.pipeline, [value], scope);
    renderList(node.body, node.t === "with" ? value : dot, scope);
  } else renderList(node.otherwise, dot, scope);
}

function renderRange(node: Extract<TemplateNode, { body: unknown }>, value: unknown, dot: unknown, scope: Scope): void {
  const entries = entriesOf(value);
  if (entries.length === 0) renderList(node.otherwise, dot, scope);
  for (const [key, item] of entries) {
    declare(node.pipeline, node.pipeline.declares.length === 2 ? [key, item] : [item], scope);
    renderList(node.body, item, scope);
  }
}

function entriesOf(value: unknown): [unknown, unknown][] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value.map((item: unknown, at) => [at, item]);
  if (typeof value === "object") return Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  throw new CliError(`template: range can't iterate over ${format(value)}`);
}

function declare(pipeline: Pipeline, values: readonly unknown[], scope: Scope): void {
  for (const [at, name] of pipeline.declares.entries()) scope.variables.set(name, values[at]);
}

function evaluate(pipeline: Pipeline, dot: unknown, scope: Scope): unknown {
  let result: unknown;
  for (const [at, command] of pipeline.commands.entries()) {
    const [head, ...rest] = command;
    if (head === undefined) continue;
    const args = rest.map((operand) => valueOf(operand, dot, scope));
    if (at > 0) args.push(result);
    result = apply(head, args, dot, scope);
  }
  return result;
}

function apply(head: Operand, args: readonly unknown[], dot: unknown, scope: Scope): unknown {
  if (head.t === "function") {
    const run = Object.hasOwn(templateFunctions, head.name) ? templateFunctions[head.name] : undefined;
    if (run === undefined) throw new CliError(`template parsing error: function "${head.name}" not defined`);
    return run(...args);
  }
  const value = valueOf(head, dot, scope);
  if (typeof value === "function") return call(value, args);
  if (args.length > 0) throw new CliError("template: can't give argument to non-function");
  return value;
}

function valueOf(operand: Operand, dot: unknown, scope: Scope): unknown {
  switch (operand.t) {
    case "dot":
      return dot;
    case "literal":
      return operand.value;
    case "variable":
      if (!scope.variables.has(operand.name)) {
        throw new CliError(`template parsing error: undefined variable "${operand.name}"`);
      }
      return scope.variables.get(operand.name);
    case "field":
      return fieldOf(valueOf(operand.of, dot, scope), operand.name, scope);
    case "function":
      return apply(operand, [], dot, scope);
    case "pipeline":
      return evaluate(operand.pipeline, dot, scope);
    default:
      return operand satisfies never;
  }
}

function fieldOf(value: unknown, name: string, scope: Scope): unknown {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    if (Object.hasOwn(value, name)) return (value as Record<string, unknown>)[name];
    if (!scope.strict) return undefined;
  } else if (value === undefined || value === null) {
    if (!scope.strict) return undefined;
  }
  throw new CliError(`template: can't evaluate field ${name}`, {
    next:
      typeof value === "object" && value !== null && !Array.isArray(value)
        ? `fields: ${Object.keys(value).join(" ")}`
        : undefined,
  });
}
