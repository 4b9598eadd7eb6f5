import type { IncomingMessage, ServerResponse } from "node:http";
import { bodyOf, refuse } from "./registry-answers.ts";

export type TestAuth = { readonly t: "basic" | "bearer"; readonly username: string; readonly password: string };

type GateOptions = {
  readonly auth: TestAuth | undefined;
  /** Anonymous tokens may pull. */
  readonly publicPull: boolean | undefined;
  readonly origin: () => string;
};

/** Lets requests into a test's registry, and gives tokens, as the distribution specification's authentication has it. */
export class RegistryGate {
  /** `token <scopes>` and who asked, in order. */
  readonly tokens: string[] = [];
  readonly #options: GateOptions;

  constructor(options: GateOptions) {
    this.#options = options;
  }

  /** Answers `/token`: for a user, a refresh token, or, where anonymous pulls are allowed, anybody. */
  async giveToken(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const { auth, publicPull } = this.#options;
    const form = request.method === "POST" ? new URLSearchParams((await bodyOf(request)).toString()) : url.searchParams;
    const scopes = form.getAll("scope").flatMap((scope) => scope.split(" "));
    const refresh = form.get("refresh_token");
    const basic = request.headers.authorization;
    const known = basic === undefined ? refresh === "refresh-me" : basic === basicOf(auth);
    this.tokens.push(`${basic === undefined ? (refresh ?? "anonymous") : "basic"} ${scopes.join(" ")}`);
    if (!known && basic !== undefined) return refuse(response, 401, "UNAUTHORIZED", "incorrect username or password");
    const allowed = known || publicPull === true;
    const granted = known ? scopes : scopes.filter((scope) => scope.endsWith(":pull"));
    const token = Buffer.from(JSON.stringify(allowed ? granted : [])).toString("base64url");
    const offline = form.get("offline_token") === "true" ? { refresh_token: "refresh-me" } : {};
    response
      .writeHead(200, { "content-type": "application/json" })
      .end(JSON.stringify({ token, expires_in: 300, ...offline }));
  }

  /** Whether a request may go on; one that may not has been answered. */
  admits(request: IncomingMessage, response: ServerResponse, url: URL): boolean {
    const { auth } = this.#options;
    if (auth === undefined) return true;
    const name = /^\/v2\/(.+)\/(?:manifests|blobs)\//.exec(url.pathname)?.[1];
    const action = request.method === "GET" || request.method === "HEAD" ? "pull" : "push";
    const sent = request.headers.authorization ?? "";
    if (auth.t === "basic" && sent === basicOf(auth)) return true;
    if (auth.t === "bearer" && sent.startsWith("Bearer ") && tokenAllows(sent.slice(7), name, action)) return true;
    const scope = name === undefined ? "" : `,scope="repository:${name}:${action}"`;
    const challenge =
      auth.t === "basic"
        ? 'Basic realm="test"'
        : `Bearer realm="${this.#options.origin()}/token",service="test"${scope}`;
    response.setHeader("www-authenticate", challenge);
    refuse(response, 401, "UNAUTHORIZED", "authentication required");
    return false;
  }
}

function tokenAllows(token: string, name: string | undefined, action: string): boolean {
  try {
    const scopes: unknown = JSON.parse(Buffer.from(token, "base64url").toString());
    if (!Array.isArray(scopes)) return false;
    return (
      name === undefined ||
      scopes.some((scope: unknown) => String(scope).startsWith(`repository:${name}:`) && String(scope).includes(action))
    );
  } catch {
    return false;
  }
}

function basicOf(auth: TestAuth | undefined): string {
  return `Basic ${Buffer.from(`${auth?.username}:${auth?.password}`).toString("base64")}`;
}
