/** An image's name in its parts, as Docker completes them. */
export type ImageReference = {
  /** `docker.io` where the name has none. */
  readonly registry: string;
  readonly hasRegistry: boolean;
  /** `library/nginx` */
  readonly repository: string;
  readonly tag: string | undefined;
  readonly digest: string | undefined;
};

/** Source: https://github.com/distribution/reference (familiar names). */
export function parseImageReference(text: string): ImageReference {
  const [named = "", digest] = text.split("@", 2);
  const slash = named.indexOf("/");
  const first = slash < 0 ? "" : named.slice(0, slash);
  const hasRegistry = first.includes(".") || first.includes(":") || first === "localhost";
  const rest = hasRegistry ? named.slice(slash + 1) : named;
  const colon = rest.lastIndexOf(":");
  const path = colon < 0 ? rest : rest.slice(0, colon);
  return {
    registry: hasRegistry ? first : "docker.io",
    hasRegistry,
    repository: hasRegistry || path.includes("/") ? path : `library/${path}`,
    tag: colon < 0 ? undefined : rest.slice(colon + 1),
    digest,
  };
}

const publicRegistries =
  /^(?:docker\.io|index\.docker\.io|registry-1\.docker\.io|registry\.k8s\.io|k8s\.gcr\.io|gcr\.io|.*\.gcr\.io|quay\.io|ghcr\.io|public\.ecr\.aws|mcr\.microsoft\.com|docker\.elastic\.co|registry\.opensource\.zalan\.do|nvcr\.io|cr\.fluentbit\.io|cr\.l5d\.io|registry\.access\.redhat\.com|registry\.gitlab\.com|docker\.n8n\.io|lscr\.io|icr\.io|.*-docker\.pkg\.dev)$/;
/** Registries for which clouds' kubelets have credentials of their own. */
const cloudRegistries =
  /^(?:\d+\.dkr\.ecr\.[\w-]+\.amazonaws\.com(?:\.cn)?|.*\.azurecr\.io|.*-docker\.pkg\.dev|(?:[\w-]+\.)?gcr\.io)$/;

export function isPublicRegistry(host: string): boolean {
  return publicRegistries.test(host);
}

export function isCloudRegistry(host: string): boolean {
  return cloudRegistries.test(host);
}

/** `registry/repository:tag`, so that short and full names are one; digests stay. */
export function fullName(text: string): string {
  const { registry, repository, tag, digest } = parseImageReference(text);
  if (digest !== undefined) return `${registry}/${repository}@${digest}`;
  return `${registry}/${repository}:${tag ?? "latest"}`;
}
