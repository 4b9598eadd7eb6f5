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
  { says: /unauthorized|authentication required|access .*denied/i, next: () => "log in: ferry login REGISTRY" },
  {
    says: /\bregistry ([^ ]+): .*: (?:certificate|self.signed|unable to verify)/i,
    next: ([, host]) => `put its CA where the daemon looks: /etc/ferry/certs.d/${host}/hosts.toml, ca = "…"`,
  },
  { says: /\bregistry [^ ]+: manifest .*: not found/i, next: () => "check the name and the tag" },
  { says: /connection ended early/i, next: () => "pull again: it goes on where it broke off" },
  {
    says: /\bregistry [^ ]+: .*(?:connection refused|no such host|not resolved|timed? ?out|unreachable|reset)/i,
    next: () => "check the registry's name, and the network and proxy of this machine",
  },
  {
    says: /\bregistry [^ ]+: .*(?:digest is|expected)|diff ?id/i,
    next: () => "nothing was kept; pull again, or tell the registry's owner",
  },
  { says: /bind source path does not exist: (.+)/i, next: ([, path]) => `make it first: mkdir -p ${path}` },
  { says: /no command specified/i, next: () => "say what to run behind the image: ferry run IMAGE COMMAND" },
  {
    says: /unable to find user|no matching entries in passwd|unable to find group/i,
    next: () => "take one of the image's /etc/passwd and /etc/group, or numbers: --user UID:GID",
  },
  {
    says: /exec: ".*permission denied/i,
    next: () => "it is no program, or may not be executed: check the command and its mode",
  },
  {
    says: /invalid reference format/i,
    next: () => "an image is [HOST[:PORT]/]path[:TAG][@DIGEST], the path in lower case",
  },
  { says: /executable file not found/i, next: () => "check the command, and PATH inside the image" },
];

/** What a person does about a daemon's message, in one line; undefined where it says all there is to say. */
export function nextStep(message: string): string | undefined {
  for (const { says, next } of nextSteps) {
    const found = says.exec(message);
    if (found !== null) return next(found);
  }
  return undefined;
}
