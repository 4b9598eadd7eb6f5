import assert from "node:assert/strict";
import test from "node:test";
import { compileTemplate } from "./template.ts";

const data = {
  Name: "/web",
  Count: 3,
  On: true,
  Off: false,
  Empty: "",
  List: ["a", "b", "c"],
  Map: { z: 1, a: "x", "io.k/8s": "dotted" },
  Nested: { Deep: { Value: "v" } },
  Ports: { "80/tcp": [{ HostPort: "8080" }], "81/tcp": null },
  Label: (name: unknown) => `label ${String(name)}`,
};

// Expected values are what Go's text/template gives for the same data.
const cases: readonly (readonly [string, string])[] = [
  ["plain", "plain"],
  ["{{.Name}}", "/web"],
  ["{{ .Nested.Deep.Value }}!", "v!"],
  ["{{.Count}} {{.On}} {{.List}} {{.Nested}}", "3 true [a b c] map[Deep:map[Value:v]]"],
  ["{{.Missing}}", "<no value>"],
  ["{{.Missing.Further}}", "<no value>"],
  ["{{json .List}}", '["a","b","c"]'],
  ["{{.Nested | json}}", '{"Deep":{"Value":"v"}}'],
  ['{{join .List ", "}}', "a, b, c"],
  ["{{upper .Name}} {{lower `ABC`}} {{title `ab cd`}}", "/WEB abc Ab Cd"],
  ["{{println .Name 1}}", "/web 1\n"],
  ['{{printf "%-6s|%3d|%q" .Name .Count "q"}}', '/web  |  3|"q"'],
  ["{{truncate .Name 2}}", "/w"],
  ['{{split "a:b" ":"}}', "[a b]"],
  ['{{index .Map "io.k/8s"}}', "dotted"],
  ["{{index .List 1}} {{len .List}} {{slice .Name 1}}", "b 3 web"],
  ['{{(index (index .Ports "80/tcp") 0).HostPort}}', "8080"],
  ["{{if .On}}yes{{else}}no{{end}}", "yes"],
  ["{{if .Empty}}yes{{else}}no{{end}}", "no"],
  ["{{if .Off}}a{{else if eq .Count 3}}b{{else}}c{{end}}", "b"],
  ["{{if and .On (not .Off)}}both{{end}}", "both"],
  ["{{if or .Off (gt .Count 2)}}big{{end}}", "big"],
  ['{{if ne .Name "x"}}other{{end}}', "other"],
  ["{{range .List}}<{{.}}>{{end}}", "<a><b><c>"],
  ["{{range .Missing}}x{{else}}none{{end}}", "none"],
  ["{{range $i, $e := .List}}{{if $i}},{{end}}{{$e}}{{end}}", "a,b,c"],
  ["{{range $k, $v := .Map}}{{$k}}={{$v}};{{end}}", "a=x;io.k/8s=dotted;z=1;"],
  ["{{range .List}}{{$.Count}}{{end}}", "333"],
  ["{{with .Nested}}{{.Deep.Value}}{{end}}", "v"],
  ["{{$x := .Count}}{{$x}}", "3"],
  ["a {{- .Count -}} b", "a3b"],
  ['{{.Label "x"}}', "label x"],
  ["{{/* nothing */}}x", "x"],
  ['{{"}}"}}', "}}"],
];

for (const [source, expected] of cases) {
  test(`template ${source}`, () => assert.equal(compileTemplate(source, { strict: false })(data), expected));
}

const broken: readonly (readonly [string, RegExp])[] = [
  ["{{.Name", /unclosed action/],
  ["{{if .On}}x", /\{\{if\}\} without \{\{end\}\}/],
  ["{{end}}", /unexpected \{\{end\}\}/],
  ["{{}}", /missing value/],
  ["{{nope .Name}}", /function "nope" not defined/],
  ["{{(.Name}}", /unclosed parenthesis/],
  ["{{.Name ^}}", /unexpected/],
  ["{{constructor}}", /not defined/],
  ["{{$nope}}", /undefined variable/],
  ["{{.constructor.name}}", /can't evaluate field constructor/],
];

for (const [source, message] of broken) {
  test(`template ${source} is refused`, () => {
    assert.throws(() => compileTemplate(source, { strict: true })(data), { name: "CliError", message });
  });
}
