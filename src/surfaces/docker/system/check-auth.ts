import { readBody } from "../read-body.ts";
import { authDomain, toRegistryAuth } from "../registry-auth.ts";
import { json, type Answer, type RouteContext } from "../route.ts";

/** `docker login`: tries the credentials; nothing is stored here. */
export async function checkAuth(context: RouteContext): Promise<Answer> {
  const body = await readBody(context);
  const domain = authDomain(body.at("serveraddress").optionalString() ?? "");
  const auth = toRegistryAuth(body) ?? { t: "basic", username: "", password: "" };
  const { identityToken } = await context.engine.registry.login(context.call, domain, auth);
  return json({ IdentityToken: identityToken ?? "", Status: "Login Succeeded" });
}
