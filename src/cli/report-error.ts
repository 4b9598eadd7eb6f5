import { EngineError, kindOf, messageOf } from "#base/errors.ts";
import { DockerApiError } from "#clients/docker/api-error.ts";
import { CliError } from "./cli-error.ts";
import { warn } from "./output.ts";

/** Prints what went wrong and what to do next; answers the exit code. */
export function reportError(error: unknown, command: string): number {
  if (error instanceof CliError) {
    if (error.message !== "") warn(`ferry: ${error.message}`);
    if (error.next !== undefined) warn(`  ${error.next}`);
    return error.exitCode;
  }
  const failed = command === "run" || command === "create" ? 125 : 1;
  if (error instanceof DockerApiError) {
    warn(`Error response from daemon: ${error.message}`);
    const next = nextAfter(error, command);
    if (next !== undefined) warn(`  ${next}`);
    return failed;
  }
  if (kindOf(error) === "canceled") return 130;
  warn(`ferry: ${messageOf(error)}`);
  if (error instanceof EngineError && error.kind === "unavailable") {
    warn("  is the daemon running? systemctl status ferryd, or name another: --host unix:///path");
  } else if (!(error instanceof EngineError) && process.env["FERRY_DEBUG"] !== undefined && error instanceof Error) {
    warn(error.stack ?? "");
  }
  return failed;
}

/** What a daemon's message says went wrong, and what a person does then; the first that fits. */
const nextSteps: readonly { readonly says: RegExp; readonly next: (found: RegExpExecArray) => string }[] = [
  { says: /no such container/i, next: () => "see: ferry ps -a" },
  { says: /no such image/i, next: () => "see: ferry images; or get it: ferry pull IMAGE" },
  { says: /network .*not found|no such network/i, next: () => "see: ferry network ls" },
  { says: /no such volume/i, next: () => "see: ferry volume ls" },
  {
    says: /is already in use by container/i,
    next: () => "remove or rename that one (ferry rm, ferry rename), or take another name",
  },
  {
    says: /port is already allocated|address already in use|port .* in use/i,
    next: () => "take another port: -p PORT:…; who has it: ferry ps, ss -ltnp",
  },
  { says: /: login: unauthorized/i, next: () => "check the user name and the password" },
  { says: /\bregistry ([^ ]+): .*\b(?:unauthorized|denied)/i, next: ([, host]) => `log in: ferry login ${host}` },
  { says: /unauthorized|authentication required|denied/i, next: () => "log in: ferry login REGISTRY" },
  {
    says: /^registry ([^ ]+): .*: (?:certificate|self.signed|unable to verify)/i,
    next: ([, host]) => `put its CA where the daemon looks: /etc/ferry/certs.d/${host}/hosts.toml, ca = "…"`,
  },
  { says: /^registry [^ ]+: manifest .*: not found/i, next: () => "check the name and the tag" },
  {
    says: /^registry [^ ]+: .*(?:connection refused|no such host|not resolved|timed? ?out|unreachable|reset)/i,
    next: () => "check the registry's name, and the network and proxy of this machine",
  },
  {
    says: /^registry [^ ]+: .*(?:digest|size|mismatch)/i,
    next: () => "nothing was kept; pull again, or tell the registry's owner",
  },
  { says: /bind source path does not exist: (.+)/i, next: ([, path]) => `make it first: mkdir -p ${path}` },
  { says: /no command specified/i, next: () => "say what to run behind the image: ferry run IMAGE COMMAND" },
  {
    says: /unable to find user|no matching entries in passwd|unable to find group/i,
    next: () => "take one of the image's /etc/passwd and /etc/group, or numbers: --user UID:GID",
  },
  { says: /executable file not found/i, next: () => "check the command, and PATH inside the image" },
];

/** Where to look, from what the daemon said. */
function nextAfter({ status, message }: DockerApiError, command: string): string | undefined {
  if (status === 409 && command === "rm") return "stop it first (ferry stop), or: ferry rm -f";
  for (const { says, next } of nextSteps) {
    const found = says.exec(message);
    if (found !== null) return next(found);
  }
  return undefined;
}
