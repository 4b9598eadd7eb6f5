/** `alpine` as `alpine:latest`: a reference with the tag it stands for. */
export function familiarName(image: string): string {
  const hasDigest = image.includes("@");
  return hasDigest || /:[^/]+$/.test(image) ? image : `${image}:latest`;
}

/** Registry an image is pulled from, as it stands in a credential file. */
export function registryOf(image: string): string {
  const [first = "", ...rest] = image.split("/");
  const isHost = rest.length > 0 && (/[.:]/.test(first) || first === "localhost" || first !== first.toLowerCase());
  return isHost && first !== "docker.io" && first !== "index.docker.io" ? first : "https://index.docker.io/v1/";
}

/** Splits `name[:tag][@digest]`; the tag or digest is undefined where there is none. */
export function splitReference(image: string): { repository: string; tag: string | undefined } {
  const at = image.indexOf("@");
  if (at >= 0) return { repository: image.slice(0, at).replace(/:[^/]+$/, ""), tag: image.slice(at + 1) };
  const match = /^(.*):([^/:]+)$/.exec(image);
  return { repository: match?.[1] ?? image, tag: match?.[2] };
}
