import { EngineError } from "#base/errors.ts";
import { parseDigest, type Digest } from "#core/content/digest.ts";
import type { ImageName } from "./image-store.ts";

/** An image reference in full: `docker.io/library/nginx:latest` taken apart. */
export type Reference = {
  /** Registry host with port: `docker.io`, `127.0.0.1:5000`. */
  readonly domain: string;
  /** Repository path: `library/nginx`. */
  readonly path: string;
  readonly tag?: string;
  readonly digest?: Digest;
};

const nameComponent = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const tagForm = /^[\w][\w.-]{0,127}$/;
const domainForm =
  /^(?:(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?$/;

/**
 * Reads a reference as Docker's clients do: `nginx` is `docker.io/library/nginx`. No tag is added; see {@link withDefaultTag}.
 *
 * @throws invalidArgument with the reason, an upper-case repository name by its own
 */
export function parseReference(text: string): Reference {
  const fail = (why: string): never => {
    throw new EngineError("invalidArgument", `invalid reference format: ${JSON.stringify(text)}: ${why}`);
  };
  if (text === "") fail("it is empty");
  if (/^[0-9a-f]{64}$/.test(text)) fail("a repository name cannot be 64 hex digits; write sha256:<id> for an image id");
  const [beforeDigest = "", digestText, ...more] = text.split("@");
  if (more.length > 0) fail("more than one @");
  const digest = digestText === undefined ? undefined : parseDigestOr(digestText, fail);
  const colon = beforeDigest.lastIndexOf(":");
  const hasTag = colon > beforeDigest.lastIndexOf("/");
  const tag = hasTag ? beforeDigest.slice(colon + 1) : undefined;
  if (tag !== undefined && !tagForm.test(tag)) fail(`tag ${JSON.stringify(tag)} is not 1 to 128 of A-Z a-z 0-9 _ . -`);
  const { domain, path } = splitDomain(hasTag ? beforeDigest.slice(0, colon) : beforeDigest);
  if (!domainForm.test(domain)) fail(`${JSON.stringify(domain)} is not a host name`);
  if (path === "") fail("the repository name is missing");
  if (/[A-Z]/.test(path)) fail("repository name must be lowercase");
  if (!path.split("/").every((part) => nameComponent.test(part)))
    fail(`${JSON.stringify(path)} is not a repository name`);
  if (domain.length + path.length + 1 > 255) fail("repository name must not be more than 255 characters");
  return { domain, path, ...(tag === undefined ? {} : { tag }), ...(digest === undefined ? {} : { digest }) };
}

/** `latest` where there is neither tag nor digest. */
export function withDefaultTag(reference: Reference): Reference {
  return reference.tag === undefined && reference.digest === undefined ? { ...reference, tag: "latest" } : reference;
}

/** In full: `docker.io/library/nginx:latest`. With both, tag and digest. */
export function formatReference(reference: Reference): ImageName {
  return suffixed(`${reference.domain}/${reference.path}`, reference) as ImageName;
}

/** As people write it: `nginx:latest`. */
export function formatFamiliar(reference: Reference): string {
  return suffixed(familiarRepository(reference), reference);
}

/** `nginx`, `bitnami/nginx`, `quay.io/x/y`: no tag, no digest. */
export function familiarRepository({ domain, path }: Reference): string {
  if (domain !== "docker.io") return `${domain}/${path}`;
  return path.startsWith("library/") && !path.slice(8).includes("/") ? path.slice(8) : path;
}

function suffixed(name: string, { tag, digest }: Reference): string {
  return `${name}${tag === undefined ? "" : `:${tag}`}${digest === undefined ? "" : `@${digest}`}`;
}

/** The first part is a host when it has a dot or a port, is `localhost`, or has an upper-case letter. */
function splitDomain(name: string): { domain: string; path: string } {
  const slash = name.indexOf("/");
  const first = slash < 0 ? "" : name.slice(0, slash);
  const isHost = first === "localhost" || /[.:]/.test(first) || first !== first.toLowerCase();
  const domain = slash >= 0 && isHost ? first : "docker.io";
  const path = slash >= 0 && isHost ? name.slice(slash + 1) : name;
  if (domain !== "docker.io" && domain !== "index.docker.io") return { domain, path };
  return { domain: "docker.io", path: path.includes("/") || path === "" ? path : `library/${path}` };
}

function parseDigestOr(text: string, fail: (why: string) => never): Digest {
  try {
    return parseDigest(text);
  } catch {
    return fail(`${JSON.stringify(text)} is not a digest (sha256:<64 hex>)`);
  }
}
