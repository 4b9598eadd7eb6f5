import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { EngineError, messageOf } from "#base/errors.ts";
import { JsonReader } from "#base/json-reader.ts";
import type { CredentialSource, Credentials } from "./connection.ts";

type Surroundings = {
  readonly server: URL;
  readonly ca: Buffer | undefined;
  readonly insecure: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Of the kubeconfig; a command with a slash is relative to it. */
  readonly directory: string;
};

const maxAnswerBytes = 1024 * 1024;
const execute = promisify(execFile);

/**
 * Credentials from a program (`aws eks get-token`, `gke-gcloud-auth-plugin`, `kubelogin`), kept until they expire.
 * The program gets no terminal: one that must ask a person is to be run once before.
 *
 * Source: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
 */
export function execCredentialSource(spec: JsonReader, around: Surroundings, tls: Credentials): CredentialSource {
  let kept: { readonly credentials: Credentials; readonly untilMs: number } | undefined;
  let running: Promise<void> | undefined;
  const obtain = async (signal: AbortSignal) => {
    const answer = await runPlugin(spec, around, signal);
    const status = answer.at("status");
    const [token, cert, key] = ["token", "clientCertificateData", "clientKeyData"].map((name) =>
      status.at(name).optionalString(),
    );
    const expires = Date.parse(status.at("expirationTimestamp").optionalString() ?? "");
    kept = {
      credentials: {
        ...tls,
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(cert === undefined || key === undefined ? {} : { cert, key }),
      },
      untilMs: Number.isNaN(expires) ? Infinity : expires - 30_000,
    };
  };
  return async ({ signal }, refresh) => {
    if (kept === undefined || refresh || Date.now() > kept.untilMs) {
      running ??= obtain(signal).finally(() => (running = undefined));
      await running;
    }
    return kept?.credentials ?? tls;
  };
}

async function runPlugin(spec: JsonReader, around: Surroundings, signal: AbortSignal): Promise<JsonReader> {
  const command = spec.at("command").string();
  const apiVersion = spec.at("apiVersion").optionalString() ?? "client.authentication.k8s.io/v1";
  const extra = spec.at("env").list(1000);
  const what = `kubeconfig: credential plugin ${command}`;
  try {
    const { stdout } = await execute(
      command.includes("/") ? resolve(around.directory, command) : command,
      spec.at("args").strings(1000),
      {
        signal,
        maxBuffer: maxAnswerBytes,
        timeout: 60_000,
        env: {
          ...around.env,
          ...Object.fromEntries(extra.map((one) => [one.at("name").string(), one.at("value").optionalString() ?? ""])),
          KUBERNETES_EXEC_INFO: JSON.stringify(execInfo(spec, apiVersion, around)),
        },
      },
    );
    return JsonReader.parse(Buffer.from(stdout), what, maxAnswerBytes);
  } catch (error) {
    if (error instanceof EngineError) throw error;
    const hint = spec.at("installHint").optionalString();
    // Of a failed program's message only the first line: what it printed may hold anything.
    const why = messageOf(error).split("\n")[0] ?? "";
    throw new EngineError("unauthenticated", `${what}: ${why}${hint === undefined ? "" : ` (${hint.trim()})`}`, {
      cause: error,
    });
  }
}

function execInfo(spec: JsonReader, apiVersion: string, { server, ca, insecure }: Surroundings): object {
  const cluster = {
    server: server.href.replace(/\/$/, ""),
    ...(ca === undefined ? {} : { "certificate-authority-data": ca.toString("base64") }),
    ...(insecure ? { "insecure-skip-tls-verify": true } : {}),
  };
  const isWanted = spec.at("provideClusterInfo").boolean();
  return {
    apiVersion,
    kind: "ExecCredential",
    spec: { interactive: false, ...(isWanted ? { cluster } : {}) },
  };
}
