export type NormalUrl = {
  /** Path without version, names with slashes in them as one segment; the query as it was. */
  readonly url: string;
  /** `1.44` of `/v1.44/…`. */
  readonly version?: string;
};

/** Last segments of `/images/<name>/…` and the like, where the name may have slashes. */
const suffixes: Readonly<Record<string, ReadonlySet<string>>> = {
  images: new Set(["json", "history", "push", "tag", "get", "attestations"]),
  distribution: new Set(["json"]),
  plugins: new Set(["json", "enable", "disable", "push", "upgrade", "set"]),
};

/** Second segments that are a route, no name. */
const routes: Readonly<Record<string, ReadonlySet<string>>> = {
  images: new Set(["json", "search", "get", "load", "create", "prune"]),
  distribution: new Set(),
  plugins: new Set(["pull", "create", "privileges"]),
};

/**
 * Takes the version off a request's URL and makes a name with slashes (`/images/quay.io/x/y/json`) one segment, so that
 * the router sees it as one. `GET /images/json` stays what it is.
 */
export function normaliseUrl(method: string, url: string): NormalUrl {
  const at = url.indexOf("?");
  const path = at < 0 ? url : url.slice(0, at);
  const query = at < 0 ? "" : url.slice(at);
  const match = /^\/v(\d+(?:\.\d+)*)(\/.*)$/.exec(path);
  const rest = mergeName(method, match?.[2] ?? path);
  return { url: rest + query, ...(match?.[1] === undefined ? {} : { version: match[1] }) };
}

function mergeName(method: string, path: string): string {
  const [, noun = "", ...segments] = path.split("/");
  // A name with a slash before it is the same container: `/containers//web/json`.
  if (noun === "containers" && segments[0] === "") return `/containers/${segments.slice(1).join("/")}`;
  const known = suffixes[noun];
  if (known === undefined || segments.length < 2) return path;
  if (segments.length === 1 && routes[noun]?.has(segments[0] ?? "")) return path;
  const last = segments.at(-1) ?? "";
  if (method !== "DELETE" && known.has(last)) {
    return `/${noun}/${segments.slice(0, -1).join("%2F")}/${last}`;
  }
  return method === "DELETE" ? `/${noun}/${segments.join("%2F")}` : path;
}
