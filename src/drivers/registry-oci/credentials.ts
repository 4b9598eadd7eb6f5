import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { EngineError, errnoOf, messageOf } from "#base/errors.ts";
import { JsonReader } from "#base/json-reader.ts";
import type { RegistryAuth } from "#core/registry/registry.ts";

const maxConfigBytes = 4 * 1024 * 1024;
const maxHelperBytes = 256 * 1024;
const helperTimeoutMs = 60_000;
const hubKey = "https://index.docker.io/v1/";

/**
 * Credentials for a registry host from Docker client configurations, the first that has some.
 *
 * `credHelpers` for the host go before `credsStore`, that before `auths`. Source: docs.docker.com/reference/cli/docker/login.
 * @throws unauthenticated when a file or a helper is there but does not work
 */
export async function findCredentials(
  host: string,
  configPaths: readonly string[],
  signal: AbortSignal,
): Promise<RegistryAuth | undefined> {
  for (const path of configPaths) {
    const config = await readConfig(path);
    const found = config === undefined ? undefined : await fromConfig(config, host, signal);
    if (found !== undefined) return found;
  }
  return undefined;
}

async function readConfig(path: string): Promise<JsonReader | undefined> {
  try {
    return JsonReader.parse(await readFile(path), path, maxConfigBytes);
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return undefined;
    throw new EngineError("unauthenticated", `docker config ${path}: ${errnoOf(error) ?? messageOf(error)}`);
  }
}

async function fromConfig(config: JsonReader, host: string, signal: AbortSignal): Promise<RegistryAuth | undefined> {
  const isHub = /^(?:registry-1\.|index\.)?docker\.io$/.test(host);
  const server = isHub ? hubKey : host;
  const helpers = config.at("credHelpers");
  const own = helpers.keys().find((key) => key === server || hostOf(key) === host);
  const helper = own === undefined ? undefined : helpers.at(own).optionalString();
  if (helper) return await askHelper(helper, server, signal);
  const store = config.at("credsStore").optionalString();
  const stored = store ? await askHelper(store, server, signal) : undefined;
  return stored ?? fromAuths(config.at("auths"), host, isHub);
}

function fromAuths(auths: JsonReader, host: string, isHub: boolean): RegistryAuth | undefined {
  const keys = auths.keys();
  const names = isHub ? ["index.docker.io", "docker.io", "registry-1.docker.io"] : [host];
  const key = keys.find((key) => key === host) ?? keys.find((key) => names.includes(hostOf(key)));
  return key === undefined ? undefined : decodeAuth(auths.at(key));
}

function decodeAuth(entry: JsonReader): RegistryAuth | undefined {
  const identity = entry.at("identitytoken").optionalString();
  if (identity) return { t: "identity", token: identity };
  const registryToken = entry.at("registrytoken").optionalString();
  if (registryToken) return { t: "bearer", token: registryToken };
  const packed = entry.at("auth").optionalString();
  const plain = packed ? Buffer.from(packed, "base64").toString("utf8").replace(/\0+$/, "") : "";
  const colon = plain.indexOf(":");
  const username = colon < 0 ? entry.at("username").optionalString() : plain.slice(0, colon);
  const password = colon < 0 ? entry.at("password").optionalString() : plain.slice(colon + 1);
  return username ? { t: "basic", username, password: password ?? "" } : undefined;
}

/** `https://host/v1/` and `host:5000` alike. */
function hostOf(key: string): string {
  return key.replace(/^https?:\/\//, "").split("/")[0] ?? "";
}

/** Source: github.com/docker/docker-credential-helpers, the protocol in its README. */
async function askHelper(name: string, server: string, signal: AbortSignal): Promise<RegistryAuth | undefined> {
  const program = `docker-credential-${name}`;
  if (!/^[A-Za-z0-9._-]+$/.test(name)) {
    throw new EngineError("unauthenticated", `credential helper ${JSON.stringify(name)}: not a helper's name`);
  }
  const { code, output } = await runHelper(program, server, signal);
  if (code !== 0) {
    if (/credentials not found/i.test(output)) return undefined;
    // The output may quote a secret: only what is known to be a message of a helper would be safe to repeat.
    throw new EngineError("unauthenticated", `${program}: failed for ${server} (exited ${code})`);
  }
  const json = JsonReader.parse(Buffer.from(output), program, maxHelperBytes);
  const username = json.at("Username").optionalString() ?? "";
  const secret = json.at("Secret").optionalString() ?? "";
  if (username === "" && secret === "") return undefined;
  return username === "<token>" ? { t: "identity", token: secret } : { t: "basic", username, password: secret };
}

async function runHelper(
  program: string,
  server: string,
  signal: AbortSignal,
): Promise<{ code: number; output: string }> {
  const both = AbortSignal.any([signal, AbortSignal.timeout(helperTimeoutMs)]);
  const child = spawn(program, ["get"], { stdio: ["pipe", "pipe", "ignore"], signal: both });
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  child.on("error", (error) => {
    const why = errnoOf(error) === "ENOENT" ? "is not installed" : messageOf(error);
    reject(new EngineError("unauthenticated", `${program}: ${why}`, { cause: error }));
  });
  child.on("close", (code) => resolve(code ?? 255));
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    if (output.length + text.length <= maxHelperBytes) output += text;
    else child.kill("SIGKILL");
  });
  // A helper that does not read its input is no reason to fail.
  child.stdin.on("error", () => {});
  child.stdin.end(`${server}\n`);
  return { code: await promise, output };
}
