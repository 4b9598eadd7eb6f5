import { DockerClient } from "#clients/docker/docker-client.ts";
import { parseEndpoint } from "#clients/docker/endpoint.ts";
import { CliError } from "./cli-error.ts";
import type { Flags } from "./flags.ts";

export const globalFlags = `
-H, --host string        Daemon to talk to: unix:///path or tcp://host:port (FERRY_HOST, DOCKER_HOST)
-n, --namespace string   Namespace to work in (FERRY_NAMESPACE; the daemon's default otherwise)
    --format string      table, json, or a template such as '{{.Names}}'
    --help               Print help
-v, --version            Print the version
`;

const defaultSockets = ["/run/ferry/docker.sock", "/var/run/docker.sock"] as const;

/** What every command works with: the client, made on first use, and the flags that all commands know. */
export class Session {
  readonly globals: Flags;
  readonly #environment: NodeJS.ProcessEnv;
  #client: DockerClient | undefined;

  constructor(globals: Flags, environment: NodeJS.ProcessEnv) {
    this.globals = globals;
    this.#environment = environment;
  }

  /** @throws CliError when no host is given and no daemon's socket is there */
  get client(): DockerClient {
    this.#client ??= this.#connect(this.namespace);
    return this.#client;
  }

  /** Undefined: the daemon's default. */
  get namespace(): string | undefined {
    return this.globals.text("namespace") ?? this.env("FERRY_NAMESPACE");
  }

  /** A client of its own for another default namespace. @throws as {@link client} */
  clientIn(namespace: string): DockerClient {
    return this.#connect(namespace);
  }

  env(name: string): string | undefined {
    const value = this.#environment[name];
    return value === "" ? undefined : value;
  }

  /** `--format` of the command, or the global one. */
  format(own: Flags): string | undefined {
    return own.text("format") ?? this.globals.text("format");
  }

  #connect(namespace: string | undefined): DockerClient {
    const verify = this.env("DOCKER_TLS_VERIFY") !== undefined;
    return new DockerClient({
      endpoint: parseEndpoint(this.#host()),
      apiVersion: this.env("DOCKER_API_VERSION"),
      ...(verify || this.env("DOCKER_TLS") !== undefined ? { tls: { directory: this.#certificates(), verify } } : {}),
      ...(namespace === undefined ? {} : { headers: { "X-Ferry-Namespace": namespace } }),
    });
  }

  #host(): string {
    const host = this.globals.text("host") ?? this.env("FERRY_HOST") ?? this.env("DOCKER_HOST");
    if (host !== undefined) return host;
    const socket = defaultSockets.find((path) => process.getBuiltinModule("node:fs").existsSync(path));
    if (socket !== undefined) return `unix://${socket}`;
    throw new CliError(`no daemon is running here (tried ${defaultSockets.join(", ")})`, {
      next: "start one: systemctl start ferryd, or: ferryd &; or name another: --host unix:///path",
    });
  }

  #certificates(): string {
    return this.env("DOCKER_CERT_PATH") ?? `${this.env("HOME") ?? ""}/.docker`;
  }
}
