import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { readFileSync } from "node:fs";
import { EngineError, messageOf } from "#base/errors.ts";
import type { JsonReader } from "#base/json-reader.ts";
import type { CredentialSource, Credentials, KubernetesConnection } from "./connection.ts";
import { execCredentialSource } from "./exec-credential.ts";
import type { Kubeconfig, KubeconfigEntry } from "./kubeconfig.ts";

type Choice = { readonly context?: string | undefined; readonly env: Readonly<Record<string, string | undefined>> };

/** The connection that a context of `config` names. @throws invalidArgument, with what is missing */
export function connectionOf(config: Kubeconfig, { context: wanted, env }: Choice): KubernetesConnection {
  const name = wanted ?? config.currentContext;
  if (name === undefined) throw fail(config, `no current-context; name one of: ${namesOf(config.contexts)}`);
  const context = named(config, "context", config.contexts, name);
  const clusterName = context.value.at("cluster").string();
  const cluster = named(config, "cluster", config.clusters, clusterName);
  const userName = context.value.at("user").optionalString() ?? "";
  const user = userName === "" ? undefined : named(config, "user", config.users, userName);
  const at = (key: string) => cluster.value.at(key).optionalString();
  const ca = pem(cluster, "certificate-authority");
  const server = serverUrl(config, at("server"));
  const serverName = at("tls-server-name");
  const proxyUrl = at("proxy-url") ?? environmentProxy(env, server);
  const insecure = cluster.value.at("insecure-skip-tls-verify").boolean();
  return {
    name,
    server,
    insecure,
    namespace: context.value.at("namespace").optionalString() ?? "default",
    headers: user === undefined ? {} : impersonation(user.value),
    credentials: user === undefined ? async () => ({}) : credentialSource(user, { server, ca, insecure, env }),
    ...(ca === undefined ? {} : { ca }),
    ...(serverName === undefined ? {} : { serverName }),
    ...(proxyUrl === undefined ? {} : { proxyUrl }),
  };
}

function named(config: Kubeconfig, what: string, entries: readonly KubeconfigEntry[], name: string): KubeconfigEntry {
  const found = entries.find((entry) => entry.name === name);
  if (found !== undefined) return found;
  throw fail(config, `no ${what} ${JSON.stringify(name)}; there are: ${namesOf(entries)}`);
}

function namesOf(entries: readonly KubeconfigEntry[]): string {
  return entries.length === 0 ? "none" : entries.map(({ name }) => name).join(", ");
}

function fail(config: Kubeconfig, why: string): EngineError {
  return new EngineError("invalidArgument", `kubeconfig ${config.path}: ${why}`);
}

function serverUrl(config: Kubeconfig, text = "http://localhost:8080"): URL {
  const url = URL.parse(/^[a-z]+:\/\//i.test(text) ? text : `http://${text}`);
  if (url !== null && (url.protocol === "https:" || url.protocol === "http:")) return url;
  throw fail(config, `server ${JSON.stringify(text)} is no URL`);
}

function environmentProxy(env: Choice["env"], server: URL): string | undefined {
  const proxy = env["HTTPS_PROXY"] ?? env["https_proxy"];
  const excluded = (env["NO_PROXY"] ?? env["no_proxy"] ?? "")
    .split(",")
    .map((word) => word.trim().replace(/^\*?\./, ""));
  if (proxy === undefined || proxy === "" || server.protocol === "http:" || excluded.includes("*")) return undefined;
  const host = server.hostname;
  return excluded.some((word) => word !== "" && (host === word || host.endsWith(`.${word}`))) ? undefined : proxy;
}

/** `<key>-data` in base64, or the file that `<key>` names. */
function pem(entry: KubeconfigEntry, key: string): Buffer | undefined {
  const data = entry.value.at(`${key}-data`).optionalString();
  if (data !== undefined && data !== "") return Buffer.from(data, "base64");
  const path = entry.value.at(key).optionalString();
  if (path === undefined || path === "") return undefined;
  try {
    return readFileSync(resolve(entry.directory, path));
  } catch (cause) {
    throw new EngineError("invalidArgument", `kubeconfig: ${key} of ${entry.name}: ${messageOf(cause)}`, { cause });
  }
}

function impersonation(user: JsonReader): Record<string, string | string[]> {
  const as = user.at("as").optionalString();
  const uid = user.at("as-uid").optionalString();
  const groups = user.at("as-groups").strings(100);
  const extra = user.at("as-user-extra");
  return {
    ...(as === undefined ? {} : { "impersonate-user": as }),
    ...(uid === undefined ? {} : { "impersonate-uid": uid }),
    ...(groups.length === 0 ? {} : { "impersonate-group": groups }),
    ...Object.fromEntries(
      extra.keys().map((key) => [`impersonate-extra-${encodeURIComponent(key)}`, extra.at(key).strings(100)]),
    ),
  };
}

type ClusterInfo = {
  readonly server: URL;
  readonly ca: Buffer | undefined;
  readonly insecure: boolean;
  readonly env: Choice["env"];
};

function credentialSource(user: KubeconfigEntry, cluster: ClusterInfo): CredentialSource {
  const { value } = user;
  const text = (key: string) => value.at(key).optionalString() || undefined;
  const cert = pem(user, "client-certificate");
  const key = pem(user, "client-key");
  const tls = { ...(cert === undefined ? {} : { cert }), ...(key === undefined ? {} : { key }) };
  if (value.at("auth-provider").isPresent) {
    const provider = value.at("auth-provider").at("name").optionalString() ?? "";
    throw new EngineError(
      "notImplemented",
      `kubeconfig: user ${user.name}: auth-provider ${provider} is gone since kubectl 1.26: use its exec plugin`,
    );
  }
  const exec = value.at("exec");
  if (exec.isPresent) {
    return execCredentialSource(exec, { ...cluster, directory: user.directory }, tls);
  }
  const tokenFile = text("tokenFile");
  if (tokenFile !== undefined) return tokenFileSource(resolve(user.directory, tokenFile), tls);
  const token = text("token");
  if (token !== undefined) return async () => ({ ...tls, authorization: `Bearer ${token}` });
  const username = text("username");
  if (username === undefined) return async () => tls;
  const basic = Buffer.from(`${username}:${text("password") ?? ""}`).toString("base64");
  return async () => ({ ...tls, authorization: `Basic ${basic}` });
}

/** Reads the file again every minute: tokens in it are replaced before they expire. */
export function tokenFileSource(path: string, tls: Credentials = {}): CredentialSource {
  let token: { readonly text: string; readonly untilMs: number } | undefined;
  return async (_call, refresh) => {
    if (token === undefined || refresh || performance.now() > token.untilMs) {
      token = { text: (await readFile(path, "utf8")).trim(), untilMs: performance.now() + 60_000 };
    }
    return { ...tls, authorization: `Bearer ${token.text}` };
  };
}
