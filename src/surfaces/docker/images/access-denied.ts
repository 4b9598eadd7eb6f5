import { EngineError, isKind, messageOf } from "#base/errors.ts";
import { familiarRepository, parseReference } from "#core/images/reference.ts";

/**
 * The error of a pull that a registry refused, as Docker tells it: notFound, since registries do not tell strangers
 * what they have, with words that clients look for. Any other error as it is. Source: moby daemon/containerd/image_pull.go.
 */
export function toPullError(error: unknown, reference: string, withCredentials: boolean): unknown {
  // Credentials that are wrong are another matter: those people know that they need a login.
  const refused = isKind(error, "permissionDenied") || (isKind(error, "unauthenticated") && !withCredentials);
  if (!refused) return error;
  const repository = familiarRepository(parseReference(reference));
  const detail = messageOf(error).replace("repository does not exist or may require a login: ", "");
  const text = `pull access denied for ${repository}, repository does not exist or may require 'docker login'`;
  return new EngineError("notFound", `${text}: ${detail}`, { cause: error });
}
