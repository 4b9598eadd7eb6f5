import { readBody } from "../read-body.ts";
import { json, type Answer, type RouteContext } from "../route.ts";
import { authDomain, toRegistryAuth } from "../registry-auth.ts";

/** `docker login`: tries the credentials; nothing is stored here. */
export async function checkAuth(context: RouteContext): Promise<Answer> {
  const body = await readBody(context);
  const { identityToken } = await context.engine.registry.login(
    context.call,
    authDomain(body.at("serveraddress").optionalString() ?? ""),
    toRegistryAuth(body) ?? { t: "basic", username: "", password: "" },
  );
  return json({ IdentityToken: identityToken ?? "", Status: "Login Succeeded" });
}
