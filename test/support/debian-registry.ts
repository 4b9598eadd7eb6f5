import { openSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeCa } from "./certificates.ts";
import { command, startDaemon } from "./processes.ts";
import { temporaryDirectory } from "./temporary-directory.ts";
import { freePort } from "./test-images.ts";

export type DebianRegistry = AsyncDisposable & {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  readonly directory: string;
  /** PEM file of the CA, where it speaks TLS. */
  readonly caPath?: string;
  readonly username: string;
  readonly password: string;
  /** Runs skopeo with the flags and credentials for this registry; `@` in `argv` is its host. */
  skopeo(verb: "copy" | "inspect", ...argv: string[]): Promise<string>;
};

/** Starts Debian's docker-registry on a free loopback port: plain, or with TLS and a password. */
export async function startDebianRegistry(options: { secure?: boolean } = {}): Promise<DebianRegistry> {
  await using undo = new AsyncDisposableStack();
  const { path: directory } = undo.use(await temporaryDirectory("registry"));
  const secure = options.secure ?? false;
  const host = `127.0.0.1:${await freePort()}`;
  const [username, password] = ["sailor", "tide-and-wind"];
  const tls = secure ? await secureFiles(directory, username, password) : undefined;
  const config = join(directory, "config.yml");
  await writeFile(config, configText(directory, host, tls));
  const log = openSync(join(directory, "log"), "w");
  const tlsFlags = secure ? ["--cacert", tls?.caPath ?? ""] : [];
  const ready = async () => {
    await command(["curl", "-s", ...tlsFlags, `${secure ? "https" : "http"}://${host}/v2/`]);
    return true;
  };
  undo.use(await startDaemon(["docker-registry", "serve", config], ready, { log }));
  const skopeo = async (verb: "copy" | "inspect", ...argv: string[]) => {
    const sides = verb === "copy" ? ["src-", "dest-"] : [""];
    const flags = sides.flatMap((side) => skopeoFlags(side, argv, secure, `${username}:${password}`, directory));
    return await command(["skopeo", verb, ...flags, ...argv.map((word) => word.replace("@/", `${host}/`))]);
  };
  const stack = undo.move();
  return {
    host,
    directory,
    ...(tls === undefined ? {} : { caPath: tls.caPath }),
    username,
    password,
    skopeo,
    [Symbol.asyncDispose]: async () => await stack.disposeAsync(),
  };
}

/** The source is the second to last word, the destination the last. */
function skopeoFlags(side: string, argv: string[], secure: boolean, credentials: string, directory: string): string[] {
  const word = side === "src-" ? argv.at(-2) : argv.at(-1);
  if (word?.startsWith("docker://") !== true) return [];
  if (!secure) return [`--${side}tls-verify=false`];
  return [`--${side}cert-dir=${join(directory, "certs")}`, `--${side}creds=${credentials}`];
}

async function secureFiles(directory: string, username: string, password: string) {
  const certs = join(directory, "certs");
  await command(["mkdir", "-p", certs]);
  const { ca, issue } = await makeCa(directory);
  const server = await issue("server");
  await command(["cp", ca.certPath, join(certs, "ca.crt")]);
  const htpasswd = join(directory, "htpasswd");
  await command(["htpasswd", "-Bbc", htpasswd, username, password]);
  return { caPath: ca.certPath, server, htpasswd };
}

function configText(directory: string, host: string, tls: Awaited<ReturnType<typeof secureFiles>> | undefined): string {
  const http =
    tls === undefined
      ? `{ addr: "${host}" }`
      : `{ addr: "${host}", tls: { certificate: ${tls.server.certPath}, key: ${tls.server.keyPath} } }`;
  const auth = tls === undefined ? "" : `auth: { htpasswd: { realm: ferry, path: ${tls.htpasswd} } }\n`;
  return `version: 0.1
log: { level: error, accesslog: { disabled: true } }
storage: { filesystem: { rootdirectory: ${directory}/data }, delete: { enabled: true } }
http: ${http}
${auth}`;
}
