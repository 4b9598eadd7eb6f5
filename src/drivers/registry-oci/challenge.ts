/** One way in that a registry offers. Source: RFC 9110, 11.6.1; distribution spec, token authentication. */
export type Challenge = { readonly scheme: string; readonly parameters: Readonly<Record<string, string>> };

const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const parameterForm = new RegExp(`^(${token})\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|(${token}|[^\\s,"]+))`);
const schemeForm = new RegExp(`^(${token})(?=\\s|,|$)`);

/** Reads `WWW-Authenticate` values, several challenges in one header included; what is malformed is left out. */
export function parseChallenges(headers: readonly string[]): Challenge[] {
  return headers.flatMap(parseHeader);
}

function parseHeader(header: string): Challenge[] {
  const challenges: { scheme: string; parameters: Record<string, string> }[] = [];
  let rest = header.slice(0, 8192).trimStart();
  while (rest !== "") {
    const parameter = parameterForm.exec(rest);
    const scheme = parameter === null ? schemeForm.exec(rest) : null;
    const current = challenges.at(-1);
    if (parameter !== null && current !== undefined) {
      const [, name = "", quoted, plain] = parameter;
      current.parameters[name.toLowerCase()] = quoted?.replace(/\\(.)/g, "$1") ?? plain ?? "";
    } else if (scheme !== null) challenges.push({ scheme: (scheme[1] ?? "").toLowerCase(), parameters: {} });
    const taken = parameter?.[0].length ?? scheme?.[0].length ?? 1;
    rest = rest.slice(taken).replace(/^[\s,]+/, "");
  }
  return challenges;
}
