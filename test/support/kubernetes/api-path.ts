/** What a path of the API names. */
export type ApiPath = {
  /** `v1`, `apps/v1` */
  readonly apiVersion: string;
  /** `pods` */
  readonly resource: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly subresource?: string;
};

/** Reads `/api/v1/namespaces/a/pods/b/log`; undefined for other paths. */
export function parseApiPath(path: string): ApiPath | undefined {
  const words = path.split("/").slice(1).map(decodeURIComponent);
  const isCore = words[0] === "api";
  if (!isCore && words[0] !== "apis") return undefined;
  const apiVersion = words.slice(1, isCore ? 2 : 3).join("/");
  const rest = words.slice(isCore ? 2 : 3);
  // `namespaces/a/pods` is a collection in a namespace; `namespaces/a` is the namespace itself.
  const inNamespace = rest[0] === "namespaces" && rest.length > 2 && !["status", "finalize"].includes(rest[2] ?? "");
  const [resource, name, ...subresource] = inNamespace ? rest.slice(2) : rest;
  if (resource === undefined || resource === "") return undefined;
  return {
    apiVersion,
    resource,
    ...(inNamespace && rest[1] !== undefined ? { namespace: rest[1] } : {}),
    ...(name === undefined ? {} : { name }),
    ...(subresource.length === 0 ? {} : { subresource: subresource.join("/") }),
  };
}
