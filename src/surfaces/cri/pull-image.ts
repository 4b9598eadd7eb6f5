import { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import type { RegistryAuth } from "#core/registry/registry.ts";
import { pullImage as pullEngineImage } from "#engine/pull-image.ts";
import type { AuthConfig, PullImageRequest } from "#gen/runtime/v1/images_pb.ts";
import type { Cri } from "./cri.ts";

export async function pullImage(call: Call, { engine }: Cri, { image, auth }: PullImageRequest) {
  const reference = image?.image ?? "";
  if (reference === "") throw new EngineError("invalidArgument", "image: missing");
  const access = toRegistryAuth(auth);
  const pulled = await pullEngineImage(call, engine, { reference, ...(access !== undefined && { auth: access }) });
  return { imageRef: pulled.imageId };
}

/** The first form of credentials that the request holds. @throws invalidArgument when `auth` is not `user:password` in base64 */
export function toRegistryAuth(auth: AuthConfig | undefined): RegistryAuth | undefined {
  if (auth === undefined) return undefined;
  if (auth.username !== "") return { t: "basic", username: auth.username, password: auth.password };
  if (auth.identityToken !== "") return { t: "identity", token: auth.identityToken };
  if (auth.registryToken !== "") return { t: "bearer", token: auth.registryToken };
  if (auth.auth === "") return undefined;
  const text = Buffer.from(auth.auth, "base64").toString().replace(/\0+$/, "");
  const at = text.indexOf(":");
  if (at < 0) throw new EngineError("invalidArgument", "auth: not user and password in base64");
  return { t: "basic", username: text.slice(0, at), password: text.slice(at + 1) };
}
