import type { Source } from "../host/source.ts";

/** What a `config.json` of `docker login` says, without its secrets. */
export type DockerLogin = {
  readonly source: Source;
  /** Registries as written, `https://index.docker.io/v1/` among them. */
  readonly inline: readonly string[];
  /** Registry to credential helper; `*` is `credsStore`. */
  readonly helpers: Readonly<Record<string, string>>;
  readonly hasProxies: boolean;
  readonly problem?: string;
};

export function decodeLogin(text: string, path: string): DockerLogin {
  const source: Source = { t: "file", path };
  const nothing = { source, inline: [], helpers: {}, hasProxies: false };
  const json = parseJson(text);
  if (!isObject(json)) return { ...nothing, problem: "is not a JSON object" };
  const { auths, credHelpers, credsStore, proxies } = json;
  const entries = Object.entries(isObject(auths) ? auths : {});
  const helpers = Object.entries(isObject(credHelpers) ? credHelpers : {});
  if (typeof credsStore === "string" && credsStore !== "") helpers.unshift(["*", credsStore]);
  return {
    source,
    inline: entries.flatMap(([registry, entry]) => (hasSecret(entry) ? [registry] : [])).sort(),
    helpers: Object.fromEntries(
      helpers.flatMap(([registry, name]) => (typeof name === "string" ? [[registry, name] as const] : [])),
    ),
    hasProxies: isObject(proxies) && Object.keys(proxies).length > 0,
  };
}

/** With a helper, login leaves an empty entry behind. */
function hasSecret(entry: unknown): boolean {
  if (!isObject(entry)) return false;
  return ["auth", "password", "identitytoken", "registrytoken"].some((name) => {
    const value = entry[name];
    return typeof value === "string" && value !== "";
  });
}

function parseJson(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
